// More of Keras's operations in saved models: results, gradients, configs.
// numpy_cases.json is written by tests/data/make_numpy_operation_cases.py.

#include <doctest/doctest.h>

#include <set>
#include <string>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/function.hpp>
#include <keratin/model.hpp>
#include <keratin/ops.hpp>

#include "layers/base/operation_table.hpp"
#include "tests/functions/operations_support.hpp"
#include "tests/support/documented_names.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

namespace {

using testing::check_close;
using testing::inputs_of;
using testing::is_close;
using testing::tensor_of;

const Config& cases() {
  static const Config all = testing::operation_cases("numpy_cases.json");
  return all;
}

/// The derivatives of sum(result * cos(0, 1, 2, ...)) by the first two inputs.
std::vector<Tensor> gradients_of(const Model& model) {
  const auto derive =
      function([&](CallContext& ctx, const std::vector<Value>& x) {
        CallInputs inputs;
        inputs.items.push_back({"", x, true, {}});
        Value loss = ops::full(ctx.graph(), {}, 0, DType::f32);
        for (const Value& y : model.impl().invoke(ctx, inputs)) {
          if (!is_floating(y.dtype())) continue;
          const Value flat = ops::reshape(y, {kUnknown});
          const Value place =
              ops::iota(ctx.graph(), flat.shape(), 0, flat.dtype());
          loss = loss + ops::sum(flat * ops::cos(place));
        }
        return gradients(loss, {x[0], x[1]});
      });
  std::vector<Tensor> inputs;
  for (const auto& [name, config] : cases().at("inputs").as_object()) {
    inputs.push_back(tensor_of(config));
  }
  return derive(inputs);
}

}  // namespace

TEST_CASE("Operations of keras.ops compute what Keras computes") {
  for (const Config& item : cases().at("cases").as_array()) {
    CAPTURE(item.at("name").as_string());
    std::vector<Tensor> got;
    try {
      const Model model = model_from_config(item.at("model"));
      got = model.model_impl().predict_on_batch(inputs_of(cases()));
    } catch (const Error& error) {
      FAIL_CHECK(error.what());
      continue;
    }
    const Config::Array& want = item.at("outputs").as_array();
    REQUIRE(got.size() == want.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      check_close(got[i], tensor_of(want[i]));
    }
  }
}

TEST_CASE("Gradients go through keras.ops as in Keras") {
  for (const Config& item : cases().at("cases").as_array()) {
    const Config* want = item.find("gradients");
    if (want == nullptr) continue;
    CAPTURE(item.at("name").as_string());
    std::vector<Tensor> got;
    try {
      got = gradients_of(model_from_config(item.at("model")));
    } catch (const Error& error) {
      FAIL_CHECK(error.what());
      continue;
    }
    for (std::size_t i = 0; i < got.size(); ++i) {
      const Config& each = want->as_array()[i];
      if (each.is_null()) continue;  // none in TensorFlow
      for (std::int64_t j = 0; j < got[i].size(); ++j) {
        const double expected =
            each.as_array()[static_cast<std::size_t>(j)].as_number();
        if (is_close(got[i].at(j), expected, 2e-5)) continue;
        FAIL_CHECK(
            "by input " << i << ", element " << j << ": " << got[i].at(j)
                        << ", Keras has " << expected);
        break;
      }
    }
  }
}

TEST_CASE("Operations of keras.ops are written as Keras writes them") {
  for (const Config& item : cases().at("cases").as_array()) {
    CAPTURE(item.at("name").as_string());
    const Config& model = item.at("model");
    const Config ours =
        Config::parse(model_from_config(model).to_json()).at("config");
    const Config::Array& want = model.at("config").at("layers").as_array();
    const Config::Array& got = ours.at("layers").as_array();
    REQUIRE(got.size() == want.size());
    for (std::size_t i = 0; i < want.size(); ++i) {
      if (want[i].at("class_name").as_string() == "InputLayer") continue;
      // Keras forgets the names of some, which get new ones.
      if (!want[i].at("config").contains("name")) continue;
      CHECK(got[i].dump() == want[i].dump());
    }
  }
}

TEST_CASE("Arguments of keras.ops that make no sense are named") {
  const auto call = [](const char* name, const char* config) {
    const Layer layer = deserialize_layer(
        Config::object(
            {{"module", "keras.src.ops.numpy"},
             {"class_name", name},
             {"config", Config::parse(config)},
             {"registered_name", name}}),
        "here");
    return testing::message_of<InvalidArgument>([&] {
      layer(Tensor(DType::f32, {2, 3}));
    });
  };
  CHECK(
      call("Trapezoid", R"({"name": "t", "x": 3.0})") ==
      "[t: Trapezoid] x: expected rank 1 or 2, got 0");
  CHECK(
      call("Diagonal", R"({"name": "d", "offset": -9223372036854775808})") ==
      "[d: Diagonal] offset: expected at most 2147483647, got "
      "-9223372036854775808");
  CHECK(
      call("Median", R"({"name": "m", "axis": 2})") ==
      "[m: Median] axis: expected axes of [2,3], got 2");
  CHECK(
      call("Rot90", R"({"name": "r", "axes": [1, 1]})") ==
      "[r: Rot90] axes: expected two axes of [2,3]");
}

TEST_CASE("Keras's operations are here, or docs/keras_names.md says why not") {
  const Config keras = Config::parse(
      testing::read_file(testing::fixture("catalogue/keras_names.json")));
  std::set<std::string> missing;
  for (const Config& name : keras.at("operations").as_array()) {
    if (find_operation(name.as_string()) != nullptr) continue;
    missing.insert("operations " + name.as_string());
  }
  const std::set<std::string> reasons =
      testing::documented_names({"operations"});
  for (const std::string& row : missing) {
    CHECK_MESSAGE(reasons.contains(row), "not documented: ", row);
  }
  for (const std::string& row : reasons) {
    CHECK_MESSAGE(missing.contains(row), "documented, but here: ", row);
  }
}

}  // namespace keratin
