// Layers called on arrays.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/layers.hpp>
#include <keratin/model.hpp>
#include <keratin/ops.hpp>

#include "src/core/log.hpp"

namespace keratin {

namespace {

/// How many programs f compiles.
template <class F>
int compiled(F&& f) {
  const LogCapture log({"train"});
  f();
  int count = 0;
  for (const LogLine& line : log.lines()) {
    count += line.text.starts_with("compiled ") ? 1 : 0;
  }
  return count;
}

Tensor ones(const Shape& shape) {
  return Tensor::full(DType::f32, shape, 1);
}

/// Adds how often it was called: no two calls are the same program.
class CountingImpl final : public LayerImpl {
 public:
  std::string class_name() const override { return "Counting"; }

  Value call(CallContext&, const Value& x) override {
    return x + static_cast<double>(++calls_);
  }

 private:
  int calls_ = 0;
};

}  // namespace

TEST_CASE("A layer called on arrays compiles once for each shape") {
  const layers::Dense dense(3, {.kernel_initializer = "ones"});
  CHECK(compiled([&] { dense(ones({2, 4})); }) == 1);
  CHECK(compiled([&] { dense(ones({2, 4})); }) == 0);
  CHECK(compiled([&] { dense(ones({5, 4})); }) == 1);
  CHECK(compiled([&] { dense(ones({2, 4})); }) == 0);
  CHECK(dense(ones({2, 4})) == Tensor::full(DType::f32, {2, 3}, 4));
}

TEST_CASE("Calls on arrays see new weights and other modes") {
  const layers::Dense dense(3, {.kernel_initializer = "ones"});
  dense(ones({2, 4}));
  Layer same = dense;
  same.set_weights({Tensor(DType::f32, {4, 3}), ones({3})});
  CHECK(compiled([&] { CHECK(dense(ones({2, 4})) == ones({2, 3})); }) == 0);

  const layers::BatchNormalization norm;
  const Tensor x(std::vector<float>{0, 2}, {2, 1});
  const Tensor inference = norm(x);
  CHECK(norm(x, true) != inference);
  // Frozen, it takes its moving averages in training, too.
  Layer handle = norm;
  handle.set_trainable(false);
  CHECK(norm(x, true) == norm(x));
}

TEST_CASE("What a layer emits anew is computed anew") {
  const Layer counting = make_layer<CountingImpl>();
  const float first = counting(ones({1})).item<float>();
  CHECK(counting(ones({1})).item<float>() == first + 1);
  CHECK(counting(ones({1})).item<float>() == first + 2);
}

TEST_CASE("Programs of calls on arrays are bounded and go with their layer") {
  const layers::Dense dense(3);
  for (std::int64_t rows = 1; rows < 40; ++rows) dense(ones({rows, 4}));
  // The first is forgotten, the last is not.
  CHECK(compiled([&] { dense(ones({39, 4})); }) == 0);
  CHECK(compiled([&] { dense(ones({1, 4})); }) == 1);
  // Two layers of one name are two layers.
  const layers::Dense a(2, {.kernel_initializer = "ones", .name = "same"});
  const layers::Dense b(2, {.kernel_initializer = "zeros", .name = "same"});
  CHECK(a(ones({1, 2})) == Tensor::full(DType::f32, {1, 2}, 2));
  CHECK(b(ones({1, 2})) == Tensor(DType::f32, {1, 2}));
}

}  // namespace keratin
