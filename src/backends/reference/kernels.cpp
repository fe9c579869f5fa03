#include "src/backends/reference/kernels.hpp"

#include <vector>

#include "src/backends/host/control_flow.hpp"
#include "src/backends/reference/common.hpp"

namespace keratin::reference {

std::span<const host::KernelEntry> kernels() {
  static const std::vector<KernelEntry> all = [] {
    std::vector<KernelEntry> table;
    // Casts before unary: a cast to the dtype that is there already is a name.
    for (const auto family :
         {cast_kernels(),
          unary_kernels(),
          binary_kernels(),
          compare_kernels(),
          reduce_kernels(),
          matmul_kernels(),
          shape_kernels(),
          index_kernels(),
          sort_kernels(),
          conv_kernels(),
          pool_kernels(),
          softmax_kernels(),
          norm_kernels(),
          attention_kernels(),
          random_kernels(),
          host::control_flow_kernels()}) {
      table.insert(table.end(), family.begin(), family.end());
    }
    return table;
  }();
  return all;
}

}  // namespace keratin::reference
