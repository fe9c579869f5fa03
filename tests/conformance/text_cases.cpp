// Layers on text and categories: adapted, called, compared.

#include <fstream>
#include <iterator>
#include <stdexcept>

#include <keratin/dtype_policy.hpp>
#include <keratin/host_layer.hpp>
#include <keratin/layer.hpp>
#include <keratin/layers/input.hpp>
#include <keratin/model.hpp>

#include "tests/conformance/harness.hpp"

namespace conformance {

using keratin::Config;
using keratin::DType;
using keratin::Layer;
using keratin::Shape;
using keratin::Tensor;

namespace {

/// Nested lists as an array.
class Reader {
 public:
  Tensor read(const Config& lists) {
    collect(lists, 0);
    if (!texts_.empty()) return Tensor(texts_, Shape(dims_));
    const Tensor values(numbers_, Shape(dims_));
    return values.cast(fractions_ ? DType::f32 : DType::i64);
  }

 private:
  void collect(const Config& item, std::size_t depth) {
    if (item.is_array()) {
      if (depth == dims_.size()) {
        dims_.push_back(static_cast<std::int64_t>(item.size()));
      }
      for (const Config& inner : item.as_array()) collect(inner, depth + 1);
    } else if (item.is_string()) {
      texts_.push_back(item.as_string());
    } else {
      numbers_.push_back(item.as_number());
      fractions_ = fractions_ || !item.is_int();
    }
  }

  std::vector<std::int64_t> dims_;
  std::vector<std::string> texts_;
  std::vector<double> numbers_;
  bool fractions_ = false;
};

Tensor read(const Config& lists) {
  return Reader().read(lists);
}

void compare(
    const std::string& where,
    const Tensor& ours,
    const Tensor& keras,
    Comparison& result) {
  if (keras.dtype() == DType::string || ours.dtype() == DType::string) {
    if (!(ours == keras)) {
      result.fail(where, "ours " + ours.str() + ", keras " + keras.str());
    }
    return;
  }
  // Keras computed these cases in float32; integers agree exactly.
  const bool exact = keras.dtype() == DType::i64;
  result.compare(where, ours, keras, exact ? 0 : kFloat32.predict);
}

void compare_vocabulary(
    const keratin::HostLayer& layer, const Config& keras, Comparison& result) {
  const auto assets = layer.save_assets();
  const auto found = assets.find("vocabulary.txt");
  if (found == assets.end() || !keras.is_array()) return;
  std::string want;
  for (const Config& term : keras.as_array()) {
    want += (want.empty() && &term == &keras.as_array()[0] ? "" : "\n") +
            term.as_string();
  }
  if (found->second != want) {
    result.fail("vocabulary", "ours " + found->second + ", keras " + want);
  }
}

/// In a functional model, behind an Input for each array.
Tensor in_model(const Layer& layer, const std::vector<Tensor>& inputs) {
  std::vector<keratin::SymbolicTensor> symbols;
  for (const Tensor& input : inputs) {
    Shape shape;
    for (std::size_t i = 1; i < input.rank(); ++i) {
      shape.push_back(input.shape()[i]);
    }
    symbols.push_back(
        keratin::layers::Input(shape, {.dtype = input.dtype()}).tensor());
  }
  const keratin::SymbolicTensor output =
      symbols.size() == 1 ? layer(symbols[0]) : layer(symbols);
  keratin::Model model(symbols, {output});
  return model.predict_on_batch(inputs)[0];
}

}  // namespace

void run_text_case(
    const Case& test, const Settings& settings, Comparison& result) {
  (void)settings;
  std::ifstream in(test.path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const Config config = Config::parse(text, test.name);
  const Layer layer = keratin::deserialize_layer(config.at("layer"));
  if (const Config& adapt = config.at("adapt"); !adapt.is_null()) {
    keratin::adapt(layer, read(adapt));
  }
  // HashedCrossing alone takes several arrays.
  std::vector<Tensor> inputs;
  if (layer.class_name() == "HashedCrossing") {
    for (const Config& item : config.at("inputs").as_array()) {
      inputs.push_back(read(item));
    }
  } else {
    inputs.push_back(read(config.at("inputs")));
  }
  const Tensor keras = read(config.at("output"));
  if (auto* const host = dynamic_cast<keratin::HostLayer*>(&layer.impl())) {
    compare_vocabulary(*host, config.at("vocabulary"), result);
    compare(
        "output",
        host->call_host(keratin::HostInputs(inputs))[0],
        keras,
        result);
  } else {
    compare("output", layer(inputs[0]), keras, result);
  }
  compare("in a model", in_model(layer, inputs), keras, result);
}

}  // namespace conformance
