#include "benchmarks/workloads.hpp"

namespace keratin::benchmarks {

using namespace keratin::layers;  // NOLINT: reads like Keras

namespace {

Model mlp(const Shape& input, bool dropout) {
  return Sequential(
      {Input(input),
       Dense(512, {.activation = "relu"}),
       Dropout(dropout ? 0.2 : 0.0),
       Dense(10, {.activation = "softmax"})});
}

Model mnist_cnn(const Shape& input, bool dropout) {
  return Sequential(
      {Input(input),
       Conv2D(32, 3, {.activation = "relu"}),
       MaxPooling2D(),
       Conv2D(64, 3, {.activation = "relu"}),
       MaxPooling2D(),
       Flatten(),
       Dropout(dropout ? 0.5 : 0.0),
       Dense(10, {.activation = "softmax"})});
}

SymbolicTensor conv_norm(
    const SymbolicTensor& x, std::int64_t filters, std::int64_t stride) {
  const auto y = Conv2D(filters, 3, {.strides = stride, .padding = "same"})(x);
  return BatchNormalization()(y);
}

/// ResNet v1 for small pictures, three stages of three blocks.
Model resnet20(const Shape& input, bool) {
  const SymbolicTensor picture = Input(input);
  SymbolicTensor x = layers::Activation("relu")(conv_norm(picture, 16, 1));
  for (const std::int64_t filters : {16, 32, 64}) {
    for (int block = 0; block < 3; ++block) {
      const std::int64_t stride = filters > 16 && block == 0 ? 2 : 1;
      SymbolicTensor y =
          layers::Activation("relu")(conv_norm(x, filters, stride));
      y = conv_norm(y, filters, 1);
      if (stride == 2) {
        x = Conv2D(filters, 1, {.strides = 2, .padding = "same"})(x);
      }
      x = layers::Activation("relu")(Add()({x, y}));
    }
  }
  x = GlobalAveragePooling2D()(x);
  return Model(picture, Dense(10, {.activation = "softmax"})(x));
}

Model lstm(const Shape& input, bool) {
  return Sequential(
      {Input(input, {.dtype = DType::i32}),
       Embedding(20000, 128),
       LSTM(128),
       Dense(1, {.activation = "sigmoid"})});
}

/// Two encoder layers, normalised after each residual sum.
Model transformer(const Shape& input, bool dropout) {
  constexpr std::int64_t kWidth = 128;
  constexpr std::int64_t kHeads = 4;
  const double rate = dropout ? 0.1 : 0.0;
  const SymbolicTensor words = Input(input, {.dtype = DType::i32});
  SymbolicTensor x = Embedding(20000, kWidth)(words);
  for (int block = 0; block < 2; ++block) {
    auto y = MultiHeadAttention(kHeads, kWidth / kHeads)(x, x);
    x = LayerNormalization({.epsilon = 1e-6})(x + Dropout(rate)(y));
    y = Dense(kWidth)(Dense(512, {.activation = "relu"})(x));
    x = LayerNormalization({.epsilon = 1e-6})(x + Dropout(rate)(y));
  }
  x = GlobalAveragePooling1D()(x);
  return Model(words, Dense(2, {.activation = "softmax"})(x));
}

Model mobilenetv2(const Shape& input, bool) {
  return applications::MobileNetV2({.input_shape = input, .weights = {}});
}

Model resnet50(const Shape& input, bool) {
  return applications::ResNet50({.weights = {}, .input_shape = input});
}

Model vgg16(const Shape& input, bool) {
  return applications::VGG16({.weights = {}, .input_shape = input});
}

std::vector<Workload> make_workloads() {
  const std::string sparse = "sparse_categorical_crossentropy";
  const std::string binary = "binary_crossentropy";
  const auto sgd = [] {
    return optimizers::SGD({.learning_rate = 0.01, .momentum = 0.9});
  };
  const Shape picture = {224, 224, 3};
  return {
      {"mlp", 128, 256, {784}, 0, 10, sparse, "adam", mlp},
      {"mnist_cnn", 128, 32, {28, 28, 1}, 0, 10, sparse, "adam", mnist_cnn},
      {"resnet20", 128, 8, {32, 32, 3}, 0, 10, sparse, "adam", resnet20},
      {"lstm", 32, 32, {80}, 20000, 2, binary, "adam", lstm},
      {"transformer", 32, 16, {128}, 20000, 2, sparse, "adam", transformer},
      {"mobilenetv2", 16, 4, picture, 0, 1000, sparse, sgd(), mobilenetv2},
      {"resnet50", 16, 2, picture, 0, 1000, sparse, sgd(), resnet50},
      {"vgg16", 8, 2, picture, 0, 1000, sparse, sgd(), vgg16},
  };
}

/// Numbers that look random, the same in every run (Knuth's MMIX constants).
class Draws {
 public:
  std::int64_t below(std::int64_t limit) {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return static_cast<std::int64_t>(
        (state_ >> 33U) % static_cast<std::uint64_t>(limit));
  }

 private:
  std::uint64_t state_ = 1;
};

}  // namespace

std::vector<std::string> workload_names() {
  std::vector<std::string> names;
  for (const Workload& workload : make_workloads()) {
    names.push_back(workload.name);
  }
  return names;
}

Workload workload(const std::string& name) {
  std::string known;
  for (Workload& workload : make_workloads()) {
    if (workload.name == name) return std::move(workload);
    known += " " + workload.name;
  }
  throw InvalidArgument(
      "[bench] expected a workload of:" + known +
      "; or infer_ before one of them; got '" + name + "'");
}

Samples make_samples(const Workload& workload, std::int64_t count) {
  Shape shape = {count};
  for (const std::int64_t dim : workload.input) shape.push_back(dim);
  Draws draws;
  std::vector<std::int64_t> labels;
  for (std::int64_t i = 0; i < count; ++i) {
    labels.push_back(draws.below(workload.classes));
  }
  if (workload.words == 0) {
    const Initializer normal =
        initializers::RandomNormal({.stddev = 1.0, .seed = 1});
    return {normal(shape, DType::f32), Tensor(labels)};
  }
  std::vector<std::int32_t> words;
  for (std::int64_t i = 0; i < shape.size(); ++i) {
    words.push_back(static_cast<std::int32_t>(draws.below(workload.words)));
  }
  return {Tensor(words, shape), Tensor(labels)};
}

}  // namespace keratin::benchmarks
