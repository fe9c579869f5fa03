// The architectures of keras.applications at full size, with weights made by a
// formula: /shared/keras/generator/zoo.py.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <thread>
#include <vector>

#include <keratin/applications.hpp>

#include "tests/conformance/harness.hpp"

namespace conformance {

using keratin::Config;
using keratin::Model;
using keratin::Shape;
using keratin::SymbolicTensor;
using keratin::Tensor;
using keratin::Variable;
using keratin::io::Hdf5File;

namespace {

/// A number of [0, 1) for element i of weight t.
double uniform(std::uint64_t t, std::uint64_t i) {
  std::uint64_t z = (t * 0x9E3779B97F4A7C15 + i + 1) * 0xBF58476D1CE4E5B9;
  z ^= z >> 31;
  z *= 0x94D049BB133111EB;
  z ^= z >> 29;
  return static_cast<double>(z >> 40) / (1 << 24);
}

/// element(u) for every element, in parts for all processors.
template <class F>
Tensor filled(std::uint64_t t, const Shape& shape, const F& element) {
  Tensor out = Tensor::uninitialized(keratin::DType::f32, shape);
  auto values = out.mutable_data<float>();
  const std::size_t parts =
      values.size() < 100000
          ? 1
          : std::max<std::size_t>(std::thread::hardware_concurrency(), 1);
  const auto part = [&](std::size_t k) {
    const std::size_t end = values.size() * (k + 1) / parts;
    for (std::size_t i = values.size() * k / parts; i < end; ++i) {
      values[i] = static_cast<float>(element(uniform(t, i)));
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t k = 1; k < parts; ++k) threads.emplace_back(part, k);
  part(0);
  for (std::thread& thread : threads) thread.join();
  return out;
}

void fill(std::uint64_t t, Variable& weight) {
  const Shape& shape = weight.shape();
  const std::string& path = weight.path();
  const std::string name = path.substr(path.rfind('/') + 1);
  const auto assign = [&](double scale, double offset) {
    weight.assign(
        filled(t, shape, [=](double u) { return offset + scale * u; }));
  };
  if (name.ends_with("kernel")) {
    double fan_in = 1;
    const std::size_t axes = name == "depthwise_kernel" ? 2 : shape.rank() - 1;
    for (std::size_t i = 0; i < axes; ++i) {
      fan_in *= static_cast<double>(shape[i]);
    }
    const double bound = std::sqrt(6 / std::max(fan_in, 1.0));
    weight.assign(
        filled(t, shape, [=](double u) { return (2 * u - 1) * bound; }));
  } else if (name == "bias") {
    weight.assign(filled(t, shape, [](double u) { return 0.1 * (2 * u - 1); }));
  } else if (name == "gamma" || name == "moving_variance") {
    assign(0.5, 0.75);
  } else if (name == "beta" || name == "moving_mean") {
    weight.assign(filled(t, shape, [](double u) { return 0.2 * (2 * u - 1); }));
  }
}

/// Keras lists its paths; ours must be the same, in the same order.
bool check_weights(
    const Hdf5File& golden,
    const std::vector<Variable>& weights,
    Comparison& result) {
  const std::vector<std::string> paths = strings(golden, "weights/paths");
  const std::vector<std::string> shapes = strings(golden, "weights/shapes");
  if (weights.size() != paths.size()) {
    result.fail(
        "weights",
        std::to_string(weights.size()) + ", Keras has " +
            std::to_string(paths.size()));
    return false;
  }
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const std::string& ours = weights[i].path();
    if (ours != paths[i]) {
      result.fail(paths[i], "our path is " + ours);
    }
    const Config shape = Config::parse(shapes[i], paths[i]);
    if (shape != Config::ints(weights[i].shape().dims())) {
      result.fail(
          paths[i],
          "our shape is " + weights[i].shape().keras_str() + ", Keras has " +
              shapes[i]);
    }
  }
  return result.passed();
}

struct Statistics {
  double mean = 0;
  double std = 0;
};

Statistics statistics(const Tensor& values) {
  Statistics out;
  const auto data = values.to_vector<double>();
  for (const double value : data) out.mean += value;
  out.mean /= static_cast<double>(data.size());
  for (const double value : data) {
    out.std += (value - out.mean) * (value - out.mean);
  }
  out.std = std::sqrt(out.std / static_cast<double>(data.size()));
  return out;
}

/// The first layer whose output has other statistics than Keras's.
void find_first_wrong_layer(
    const Hdf5File& golden,
    const Model& model,
    const Tensor& x,
    Comparison& result) {
  const std::vector<std::string> names = strings(golden, "trace/names");
  const auto mean = golden.read("trace/mean").to_vector<double>();
  const auto std = golden.read("trace/std").to_vector<double>();
  std::vector<SymbolicTensor> outputs;
  for (const std::string& name : names) {
    outputs.push_back(model.get_layer(name).output());
  }
  const std::vector<Tensor> ys = Model(model.inputs(), outputs).predict_all(x);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const Statistics ours = statistics(ys[i]);
    const double allowed = 1e-3 * std::max(std[i], 1e-6);
    if (std::abs(ours.mean - mean[i]) <= allowed &&
        std::abs(ours.std - std[i]) <= allowed) {
      continue;
    }
    result.fail(
        "layer " + names[i],
        "mean " + std::to_string(ours.mean) + " and std " +
            std::to_string(ours.std) + ", Keras has " +
            std::to_string(mean[i]) + " and " + std::to_string(std[i]));
    return;
  }
}

}  // namespace

void run_zoo_case(
    const Case& test, const Settings& settings, Comparison& result) {
  (void)settings;
  const Hdf5File golden(test.path.string());
  Model model = keratin::applications::make(
      text_attr(golden, "function"),
      Config::object(
          {{"weights", nullptr}, {"classifier_activation", "linear"}}));
  const auto parameters =
      static_cast<std::int64_t>(golden.read("parameters").at(0));
  if (model.count_params() != parameters) {
    result.fail(
        "parameters",
        std::to_string(model.count_params()) + ", Keras has " +
            std::to_string(parameters));
  }
  std::vector<Variable> weights = model.weights();
  if (!check_weights(golden, weights, result)) return;
  for (std::size_t t = 0; t < weights.size(); ++t) fill(t, weights[t]);

  constexpr std::int64_t kUnknownExtent = 224;
  Shape shape = model.inputs()[0].shape();
  shape[0] = 1;
  for (const std::size_t axis : {1, 2}) {
    if (shape[axis] == keratin::kUnknown) shape[axis] = kUnknownExtent;
  }
  Tensor x = filled(1000000, shape, [](double u) { return 2 * u - 1; });
  if (golden.attr("/", "input_scaled_to_0_255").at(0) != 0) {
    for (float& value : x.mutable_data<float>()) {
      value = value * 127.5F + 127.5F;
    }
  }
  const Tensor keras = golden.read("logits");
  double largest = 1;
  for (const double value : keras.to_vector<double>()) {
    largest = std::max(largest, std::abs(value));
  }
  result.compare(
      "logits",
      model.predict(x),
      keras,
      kZoo * statistics(keras).std / largest);
  if (!result.passed()) find_first_wrong_layer(golden, model, x, result);
}

}  // namespace conformance
