// The vectorised kernels as they are on older processors.

#include <doctest/doctest.h>
#include <hwy/targets.h>

#include "src/ir/autodiff.hpp"
#include "tests/backends/cpu_check.hpp"

using namespace keratin;
using namespace keratin::testing;

namespace {

using Values = std::vector<Value>;

ValueType f32(Shape shape) {
  return {DType::f32, std::move(shape)};
}

// Only these instruction sets (a mask of Highway's) for the time of a scope.
class OnlyTargets {
 public:
  explicit OnlyTargets(std::int64_t targets) {
    hwy::SetSupportedTargetsForTest(targets);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }

  ~OnlyTargets() {
    hwy::SetSupportedTargetsForTest(0);
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  }

  OnlyTargets(const OnlyTargets&) = delete;
  OnlyTargets& operator=(const OnlyTargets&) = delete;
};

void check_all() {
  CHECK(
      cpu_difference({f32({77, 19}), f32({19})}, [](const Values& v) -> Values {
        const Value x = v[0] * 3.0;
        return {
            ops::exp(x) + ops::tanh(x) * v[1],
            ops::erf(x),
            ops::sigmoid(x) - ops::softplus(x),
            ops::log(ops::abs(x) + 0.1) / ops::sqrt(ops::abs(x) + 0.5),
            ops::where(ops::greater(x, v[1]), x, v[1]),
            ops::cast(ops::isfinite(x), DType::f32),
            ops::sum(x, {0}),
            ops::max(x, {1}),
            ops::softmax(x),
            ops::log_softmax(x)};
      }) == "");
  CHECK(
      cpu_difference({f32({2, 9, 9, 21})}, [](const Values& v) -> Values {
        const Value y = ops::max_pool(v[0], {2, 2}, {.strides = {2, 2}});
        const Value z = ops::average_pool(v[0], {3, 3}, {.strides = {1, 1}});
        return {y, z, gradients(ops::sum(y * y) + ops::sum(z * z), {v[0]})[0]};
      }) == "");
  CHECK(
      cpu_difference(
          {f32({300, 21}), f32({21}), f32({21})},
          [](const Values& v) -> Values {
            const auto batch = ops::batch_norm_training(v[0], v[1], v[2], 1e-3);
            const Value layer = ops::layer_norm(v[0], v[1], v[2], 1e-3);
            const Value loss =
                ops::sum(batch.y * batch.y * v[0] + layer * layer * v[0]);
            Values all = gradients(loss, {v[0], v[1], v[2]});
            all.insert(all.end(), {batch.y, batch.variance, layer});
            return all;
          },
          {.absolute = 5e-5}) == "");
  CHECK(
      cpu_difference(
          {{DType::u32, {2}}},
          [](const Values& v) -> Values {
            return {
                ops::random_bits(v[0], {1001}),
                ops::random_uniform(v[0], {1001}, -1, 2)};
          },
          {.absolute = 0, .low = 0, .high = 1e9}) == "");
}

}  // namespace

TEST_CASE("Kernels agree on a processor with AVX2 alone") {
  const OnlyTargets targets(HWY_AVX2);
  check_all();
}

TEST_CASE("Kernels agree on a processor without vectors") {
  const OnlyTargets targets(HWY_STATIC_TARGET);
  check_all();
}
