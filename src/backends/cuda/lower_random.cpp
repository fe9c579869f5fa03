// Counter-based random numbers: the bits are the CPU's.

#include <cmath>
#include <limits>

#include "src/backends/cuda/kernels/kernels.hpp"
#include "src/backends/cuda/lowering.hpp"
#include "src/core/format.hpp"
#include "src/core/visit.hpp"

namespace keratin::cuda {

namespace {

// The largest number of a dtype below `high`.
double below(DType dtype, double high) {
  return visit_dtype(dtype, [&](auto tag) -> double {
    using T = typename decltype(tag)::type;
    if constexpr (kIsHalf<T>) {
      T value(static_cast<float>(high));
      const float rounded = static_cast<float>(value);
      if (rounded < high) return rounded;
      if (rounded == 0) {
        value.bits = 0x8001;
      } else {
        value.bits =
            static_cast<std::uint16_t>(value.bits + (rounded > 0 ? -1 : 1));
      }
      return static_cast<float>(value);
    } else if constexpr (std::is_floating_point_v<T>) {
      const T value = static_cast<T>(high);
      if (value < high) return value;
      return std::nextafter(value, -std::numeric_limits<T>::infinity());
    } else {
      KERATIN_UNREACHABLE();
    }
  });
}

std::string text_of(const LowerArgs& args) {
  const DType dtype = args.out().dtype;
  const Attrs& attrs = args.node.attrs;
  if (args.node.op == Op::random_bits) {
    return R"(KT_KERNEL(256) $(NAME)(const u32* state, u32* y, i64 n) {
  random_bits(state, y, n);
}
)";
  }
  const bool uniform = args.node.op == Op::random_uniform;
  const double a = attrs.number(uniform ? "low" : "mean");
  const double b = attrs.number(uniform ? "high" : "stddev");
  return fill_in(
      uniform ? R"(KT_KERNEL(256) $(NAME)(const u32* state, $(T)* y, i64 n) {
  random_uniform<$(T)>(state, y, n, $(A), $(B), $(RANGE), convert<$(T)>($(BELOW)));
}
)"
              : R"(KT_KERNEL(256) $(NAME)(const u32* state, $(T)* y, i64 n) {
  random_normal<$(T)>(state, y, n, $(A), $(B));
}
)",
      {{"T", kernel_type(dtype)},
       {"A", literal(a, "f64")},
       {"B", literal(b, "f64")},
       {"RANGE", literal(b - a, "f64")},
       {"BELOW",
        literal(
            uniform ? below(dtype, b) : 0,
            dtype == DType::f64 ? "f64" : "f32")}});
}

}  // namespace

Lowering lower_random(const LowerArgs& args) {
  const auto kernel =
      make_kernel(op_name(args.node.op), random_family(), text_of(args));
  const std::int64_t n = args.out().shape.size();
  const int per_thread = args.out().dtype == DType::f64 ? 2 : 4;
  const std::int64_t blocks = args.target.blocks(n, 256 * per_thread);
  Lowering lowering;
  lowering.emit = [=](Emission& at) {
    if (n > 0) at.launch(kernel, blocks, {at.in[0], at.out[0], n});
  };
  return lowering;
}

}  // namespace keratin::cuda
