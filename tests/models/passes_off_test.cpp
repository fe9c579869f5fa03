// Models train and predict the same with any pass left out. The list is the
// pipeline's own, so that a new pass is compared, too.

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <keratin/initializers.hpp>
#include <keratin/layers.hpp>
#include <keratin/model.hpp>
#include <keratin/ops_lifted.hpp>
#include <keratin/random.hpp>

#include "src/core/env.hpp"
#include "src/passes/pass.hpp"
#include "src/runtime/registry.hpp"

namespace keratin {
namespace {

using namespace layers;  // NOLINT: reads like Keras

struct Case {
  const char* name;
  Model (*model)();
  Shape x;
  std::int64_t classes;
};

/// Padding, convolution, normalisation with ReLU6 and a residual sum.
Model convolutional() {
  const SymbolicTensor picture = Input({9, 9, 3});
  SymbolicTensor x = ZeroPadding2D(1)(picture);
  x = Conv2D(8, 3, {.strides = 2})(x);
  x = ReLU({.max_value = 6.0})(BatchNormalization()(x));
  auto y = DepthwiseConv2D(3, {.padding = "same", .use_bias = false})(x);
  y = ReLU()(BatchNormalization()(y));
  y = BatchNormalization()(Conv2D(8, 1)(y));
  x = layers::Activation("relu")(Add()({x, y}));
  x = Conv2D(8, 3, {.activation = "relu"})(x);
  x = GlobalAveragePooling2D()(MaxPooling2D(2, {.padding = "same"})(x));
  return Model(picture, Dense(3, {.activation = "softmax"})(x));
}

Model recurrent() {
  return Sequential(
      {Input({5, 4}),
       Bidirectional(LSTM(6, {.return_sequences = true})),
       GRU(5),
       Dense(3, {.activation = "softmax"})});
}

/// A loop behind a normalisation whose ReLU is closed at both ends.
Model mixed() {
  return Sequential(
      {Input({8, 3}),
       Conv1D(6, 3, {.activation = "relu"}),
       BatchNormalization(),
       ReLU({.max_value = 0.5}),
       LSTM(4),
       Dense(3, {.activation = "softmax"})});
}

Model attention() {
  const SymbolicTensor x = Input({6, 8});
  auto y = LayerNormalization()(x + MultiHeadAttention(2, 4)(x, x));
  y = y + Dense(8)(Dense(16, {.activation = "gelu"})(y));
  y = GlobalAveragePooling1D()(y);
  return Model(x, Dense(3, {.activation = "softmax"})(y));
}

/// Losses of three steps, the weights after them, and predictions.
std::vector<Tensor> outcome(const Case& test) {
  set_random_seed(3);
  Model model = test.model();
  model.compile(
      {.optimizer = "sgd", .loss = "sparse_categorical_crossentropy"});
  const Tensor x = initializers::RandomNormal({.stddev = 1.0, .seed = 1})(
      test.x, DType::f32);
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < test.x[0]; ++i) {
    labels.push_back(i % test.classes);
  }
  const Tensor y(labels);
  std::vector<Tensor> results;
  for (int step = 0; step < 3; ++step) {
    const Logs logs = model.train_on_batch(x, y);
    results.emplace_back(static_cast<float>(logs.at("loss")));
  }
  results.push_back(model.predict(x, {.verbose = 0}));
  for (const Tensor& weight : model.get_weights()) results.push_back(weight);
  return results;
}

void check_close(
    const std::vector<Tensor>& got,
    const std::vector<Tensor>& expected,
    float tolerance) {
  REQUIRE_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    const auto a = got[i].to_vector<float>();
    const auto b = expected[i].to_vector<float>();
    REQUIRE_EQ(a.size(), b.size());
    float error = 0;
    float largest = 1;
    for (std::size_t k = 0; k < a.size(); ++k) {
      error = std::max(error, std::abs(a[k] - b[k]));
      largest = std::max(largest, std::abs(b[k]));
    }
    CHECK_LE(error, tolerance * largest);
  }
}

TEST_CASE("training and prediction are the same without any one pass") {
  const std::vector<Case> cases = {
      {"convolutional", convolutional, {4, 9, 9, 3}, 3},
      {"recurrent", recurrent, {4, 5, 4}, 3},
      {"mixed", mixed, {4, 8, 3}, 3},
      {"attention", attention, {4, 6, 8}, 3},
  };
  for (const std::string backend : {"cpu", "reference"}) {
    const env::ScopedSetting chosen("KERATIN_BACKEND", backend);
    PipelineOptions options;
    options.backend_passes = find_backend(backend).passes();
    std::set<std::string_view> names;
    for (const std::string_view name : pass_names(options)) names.insert(name);
    CHECK(names.contains("hoist_fixed"));
    CHECK_EQ(names.contains("fuse_epilogues"), backend == "cpu");
    for (const Case& test : cases) {
      CAPTURE(test.name);
      const std::vector<Tensor> all = outcome(test);
      for (const std::string_view name : names) {
        CAPTURE(name);
        const env::ScopedSetting off("KERATIN_PASSES", "-" + std::string(name));
        check_close(outcome(test), all, 1e-5F);
      }
    }
  }
}

}  // namespace
}  // namespace keratin
