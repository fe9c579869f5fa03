// Arrays of older versions as today's layers want them.

#include <doctest/doctest.h>

#include <array>

#include <keratin/layers.hpp>
#include <keratin/model.hpp>

#include "models/legacy/weights.hpp"

using namespace keratin;          // NOLINT
using namespace keratin::layers;  // NOLINT
using legacy::Array;

namespace {

Array array(const Tensor& value, const std::string& name = "w") {
  return {name, value.shape(), value.shape(), value.dtype(), [value] {
            return value;
          }};
}

Tensor counting(const Shape& shape, double start = 0) {
  std::vector<float> values(static_cast<std::size_t>(shape.size()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<float>(start + static_cast<double>(i));
  }
  return Tensor(values, shape);
}

std::vector<Tensor> convert(
    const char* json,
    const Shape& input,
    const std::vector<Tensor>& arrays,
    const legacy::Writer& writer) {
  const Layer layer = deserialize_layer(Config::parse(json));
  layer.impl().ensure_built({input});
  std::vector<Array> given;
  for (const Tensor& value : arrays) given.push_back(array(value));
  std::vector<Tensor> out;
  for (const Array& item :
       legacy::converted(layer.impl(), layer.weights(), given, writer)) {
    out.push_back(item.read());
    CHECK(out.back().shape() == item.shape);
  }
  return out;
}

constexpr const char* kConv = R"({"class_name": "Conv2D", "config":
    {"name": "c", "filters": 3, "kernel_size": [2, 2]}})";

}  // namespace

TEST_CASE("Theano's kernels are reordered and reversed") {
  // [out 3, in 2, rows 2, columns 2]
  const Tensor kernel = counting({3, 2, 2, 2});
  legacy::Writer writer;
  writer.theano_kernels = true;
  const Tensor plain =
      convert(kConv, {kUnknown, 5, 5, 2}, {kernel, counting({3})}, writer)[0];
  CHECK(plain.shape() == Shape{2, 2, 2, 3});
  const auto at = [](const Tensor& x, int r, int c, int i, int o) {
    return x.at(((r * 2 + c) * 2 + i) * 3 + o);
  };
  CHECK(at(plain, 0, 1, 1, 2) == ((2 * 2 + 1) * 2 + 0) * 2 + 1);
  writer.convolves = true;
  const Tensor reversed =
      convert(kConv, {kUnknown, 5, 5, 2}, {kernel, counting({3})}, writer)[0];
  CHECK(at(reversed, 1, 0, 1, 2) == at(plain, 0, 1, 1, 2));
  CHECK(at(reversed, 1, 1, 0, 0) == at(plain, 0, 0, 0, 0));
}

TEST_CASE("TensorFlow's kernels stay as they are") {
  const Tensor kernel = counting({2, 2, 2, 3});
  CHECK(
      convert(kConv, {kUnknown, 5, 5, 2}, {kernel, counting({3})}, {})[0] ==
      kernel);
}

TEST_CASE("Keras 1's twelve arrays of an LSTM are today's three") {
  std::vector<Tensor> arrays;
  // i, c, f, o; kernel, recurrent kernel and bias of each.
  for (int gate = 0; gate < 4; ++gate) {
    arrays.push_back(Tensor::full(DType::f32, {3, 2}, gate));
    arrays.push_back(Tensor::full(DType::f32, {2, 2}, gate));
    arrays.push_back(Tensor::full(DType::f32, {2}, gate));
  }
  const std::vector<Tensor> now = convert(
      R"({"class_name": "LSTM", "config": {"name": "l", "units": 2}})",
      {kUnknown, 4, 3},
      arrays,
      {});
  REQUIRE(now.size() == 3);
  const std::vector<float> order = {0, 0, 2, 2, 1, 1, 3, 3};  // i, f, c, o
  CHECK(now[2] == Tensor(order));
  CHECK(now[0].shape() == Shape{3, 8});
  CHECK(now[0].slice(1, 2).reshape({8}) == Tensor(order));
  CHECK(now[1].slice(1, 2).reshape({8}) == Tensor(order));
}

TEST_CASE("cuDNN's LSTM: kernels transposed gate by gate, biases added") {
  const std::vector<Tensor> now = convert(
      R"({"class_name": "LSTM", "config": {"name": "l", "units": 2}})",
      {kUnknown, 4, 3},
      {counting({3, 8}), counting({2, 8}), counting({16})},
      {});
  // NumPy: np.hstack([k.T.reshape(k.shape, order="F") for k in np.hsplit(w,
  // 4)])
  CHECK(
      now[0].slice(0, 1).reshape({8}) ==
      Tensor(std::vector<float>{0, 9, 2, 11, 4, 13, 6, 15}));
  CHECK(
      now[1].slice(0, 1).reshape({8}) ==
      Tensor(std::vector<float>{0, 8, 2, 10, 4, 12, 6, 14}));
  CHECK(now[2] == Tensor(std::vector<float>{8, 10, 12, 14, 16, 18, 20, 22}));
}

TEST_CASE("cuDNN's GRU keeps both biases") {
  const std::vector<Tensor> now = convert(
      R"({"class_name": "GRU", "config":
          {"name": "g", "units": 2, "reset_after": true}})",
      {kUnknown, 4, 3},
      {counting({3, 6}), counting({2, 6}), counting({12})},
      {});
  CHECK(now[2].shape() == Shape{2, 6});
}

namespace {

/// A model inside a model: two convolutions of 4x4, the first's filters as many
/// as its kernel's rows and columns.
Model two_convolutions() {
  const Model inner(
      Sequential({Input({9, 9, 1}), Conv2D(4, 4), Conv2D(6, 4)}, "inner"));
  const SymbolicTensor x = Input({9, 9, 1});
  return Model(x, Flatten()(inner(x)));
}

legacy::SavedWeights keras1(const std::vector<Tensor>& arrays) {
  legacy::SavedWeights saved;
  saved.layers.push_back({"inner", {}});
  for (const Tensor& value : arrays) {
    saved.layers[0].arrays.push_back(array(value));
  }
  return saved;
}

}  // namespace

TEST_CASE("Kernels of a Keras 1 model inside a model keep TensorFlow's order") {
  const Model inner(Sequential(
      {Input({9, 9, 4}), Conv2D(4, 4), Conv2DTranspose(6, {4, 5})}, "inner"));
  const SymbolicTensor x = Input({9, 9, 4});
  const Model model(x, Flatten()(inner(x)));
  // The first fits either way; the second has rows as the first has filters.
  const std::vector<Tensor> arrays = {
      counting({4, 4, 4, 4}),
      counting({4}),
      counting({4, 5, 4, 6}),
      counting({6})};
  legacy::load_weights(model.model_impl(), keras1(arrays), "file", {});
  CHECK(model.get_weights()[0] == arrays[0]);
}

TEST_CASE("Theano's kernels of a model inside a model are known by all") {
  const Model model = two_convolutions();
  const std::vector<Tensor> arrays = {
      counting({4, 1, 4, 4}),
      counting({4}),
      counting({6, 4, 4, 4}),
      counting({6})};
  legacy::load_weights(model.model_impl(), keras1(arrays), "file", {});
  const Tensor kernel = model.get_weights()[2];
  for (const auto& [r, c, i, o] :
       {std::array{0, 0, 0, 0}, std::array{1, 3, 2, 5}}) {
    // Reordered and reversed along rows and columns.
    CHECK(
        kernel.at(((r * 4 + c) * 4 + i) * 6 + o) ==
        arrays[2].at(((o * 4 + i) * 4 + 3 - r) * 4 + 3 - c));
  }
}
