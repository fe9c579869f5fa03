#include "src/backends/host/finite.hpp"

#include <cmath>

#include "src/core/visit.hpp"

namespace keratin::host {

std::int64_t first_non_finite(const View& view) {
  const std::int64_t size = view.type->shape.size();
  return visit_dtype(view.type->dtype, [&](auto tag) -> std::int64_t {
    using T = typename decltype(tag)::type;
    if constexpr (kIsFloating<T>) {
      const T* x = view.as<T>();
      for (std::int64_t i = 0; i < size; ++i) {
        if (!std::isfinite(convert_element<double>(x[i]))) return i;
      }
    }
    return -1;
  });
}

}  // namespace keratin::host
