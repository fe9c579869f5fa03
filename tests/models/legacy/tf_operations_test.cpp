// TensorFlow's operations in models of tf.keras, against what they computed.

#include <doctest/doctest.h>

#include <cmath>
#include <map>

#include <keratin/error.hpp>
#include <keratin/model.hpp>

#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

using namespace keratin;  // NOLINT
using keratin::testing::message_of;

namespace {

Tensor tensor(const Config& numbers) {
  std::vector<float> values;
  for (const Config& item : numbers.at("values").as_array()) {
    values.push_back(static_cast<float>(item.as_number()));
  }
  return Tensor(values, Shape(numbers.at("shape").as_ints()));
}

/// A model of Keras 2 that calls `function` on x, f32[None,2,3].
Config model_of(const char* function, const char* kwargs, const char* x = "x") {
  return Config::parse(
      std::string(R"({"class_name": "Functional", "config": {"name": "m",
      "layers": [{"class_name": "InputLayer", "name": "x", "inbound_nodes": [],
        "config": {"batch_input_shape": [null, 2, 3], "name": "x"}},
      {"class_name": "TFOpLambda", "name": "t", "config": {"name": "t",
        "function": ")") +
      function + R"("}, "inbound_nodes": [[")" + x + R"(", 0, 0, )" + kwargs +
      R"(]]}], "input_layers": [["x", 0, 0]],
      "output_layers": [["t", 0, 0]]}})");
}

}  // namespace

TEST_CASE("TensorFlow's operations in models of tf.keras compute as there") {
  const Config file = Config::parse(
      testing::read_file(testing::fixture("legacy/tf_operations.json")));
  std::map<std::string, Tensor> inputs;
  for (const auto& [name, numbers] : file.at("inputs").as_object()) {
    inputs.emplace(name, tensor(numbers));
  }
  const Config::Array& cases = file.at("cases").as_array();
  CHECK(cases.size() > 100);
  for (const Config& item : cases) {
    const std::string name = item.at("name").as_string();
    CAPTURE(name);
    const std::string failure = message_of<Error>([&] {
      Model model = model_from_config(item.at("model"));
      std::vector<Tensor> given;
      for (const std::string& input : model.model_impl().input_names()) {
        given.push_back(inputs.at(input));
      }
      const Tensor expected = tensor(item.at("output"));
      const Tensor y = model.predict_all(given)[0];
      CHECK(y.shape() == expected.shape());
      const auto ours = y.to_vector<double>();
      const auto theirs = expected.to_vector<double>();
      REQUIRE(ours.size() == theirs.size());
      double worst = 0;
      for (std::size_t i = 0; i < ours.size(); ++i) {
        worst = std::max(
            worst,
            std::abs(ours[i] - theirs[i]) / std::max(1.0, std::abs(theirs[i])));
      }
      CHECK(worst < 1e-5);
      // Saved and loaded in Keras 3's form, too.
      CHECK(model_from_json(model.to_json()).predict_all(given)[0] == y);
    });
    CHECK(failure == "(nothing thrown)");
  }
}

TEST_CASE("What an operation of TensorFlow's cannot be here is said by name") {
  struct Case {
    const char* function;
    const char* kwargs;
    const char* message;
  };

  const Case cases[] = {
      {"signal.stft",
       "{}",
       "'t' is TensorFlow's 'signal.stft', which has no counterpart here; "
       "write "
       "it as a layer and register_layer it"},
      {"gather",
       R"({"indices": [0], "axis": 1, "batch_dims": 1})",
       "is called with 'batch_dims' of 1"},
      {"one_hot",
       R"({"depth": 3, "on_value": 2.0})",
       "has other values than 1 and 0"},
      {"math.cumsum",
       R"({"axis": 1, "reverse": true})",
       "is called with 'reverse'"},
      {"expand_dims",
       R"({"axis": ["x", 0, 0]})",
       "takes 'axis' from another layer"},
      {"compat.v1.image.resize_bilinear",
       R"({"size": [4, 4]})",
       "does not count from the centers of pixels"},
      {"where", R"({"x": 1.0})", "is called without x and y"},
      {"pad",
       R"({"paddings": [[0, 0], [2, 0], [0, 0]], "mode": "REFLECT"})",
       "pad_width: expected at most 1 along axis 1"},
  };
  for (const Case& item : cases) {
    CAPTURE(item.function);
    const std::string message = message_of<InvalidArgument>(
        [&] { model_from_config(model_of(item.function, item.kwargs)); });
    CAPTURE(message);
    CHECK(message.find(item.message) != std::string::npos);
  }
}
