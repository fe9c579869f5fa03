// Keras's operations in saved models against what Keras computes.
// cases.json is written by tests/data/make_operation_cases.py.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/model.hpp>

#include "layers/base/operation_table.hpp"
#include "tests/functions/operations_support.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

namespace {

using testing::message_of;

using testing::check_close;
using testing::inputs_of;
using testing::tensor_of;

const Config& cases() {
  static const Config all = testing::operation_cases("cases.json");
  return all;
}

Config operation(
    const std::string& name, const Config& config = Config::object()) {
  return Config::object(
      {{"module", "keras.src.ops.numpy"},
       {"class_name", name},
       {"config", config},
       {"registered_name", name}});
}

}  // namespace

TEST_CASE("Operations in Keras's models compute what Keras computes") {
  for (const Config& item : cases().at("cases").as_array()) {
    const std::string name = item.at("name").as_string();
    CAPTURE(name);
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

TEST_CASE("Operations are written as Keras writes them") {
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
      CHECK(got[i].dump() == want[i].dump());
    }
  }
}

TEST_CASE("Every operation has defaults that parse and its own name") {
  for (const std::string& name : operation_names()) {
    const Operation* found = find_operation(name);
    REQUIRE(found != nullptr);
    CHECK(found->name == name);
    CHECK(Config::parse(found->defaults).is_object());
  }
  CHECK(find_operation("Sum") != nullptr);
  CHECK(find_operation("Nothing") == nullptr);
}

TEST_CASE("Unknown operations and arguments are named") {
  CHECK(
      message_of<InvalidArgument>(
          [] { deserialize_layer(operation("Meen"), "model.layers[2]"); }) ==
      "[model.layers[2]] no operation is called 'Meen'; did you mean "
      "\"Mean\"?");
  CHECK(message_of<InvalidArgument>([] {
          deserialize_layer(
              operation("Mean", Config::object({{"axes", 1}})), "here");
        }) == "[here] Mean has no argument 'axes'; did you mean \"axis\"?");
}

TEST_CASE("An operation's bad arguments are named when it is called") {
  const auto call = [](const Config& config) {
    const Layer layer = deserialize_layer(config, "here");
    return message_of<InvalidArgument>([&] {
      layer(Tensor(DType::f32, {2, 3}));
    });
  };
  const auto config = [](const char* text) { return Config::parse(text); };
  CHECK(
      call(operation("Sum", config(R"({"name": "s", "axis": "rows"})"))) ==
      "[s: Sum] axis: expected integers, got \"rows\"");
  CHECK(
      call(operation(
          "Split",
          config(R"({"name": "s", "indices_or_sections": 2, "axis": 1})"))) ==
      "[s: Split] expected 2 to divide 3 elements");
  CHECK(
      call(operation("Add", config(R"({"name": "s"})"))) ==
      "[s: Add] expected 2 operands, got 1");
}

TEST_CASE("Dtypes meet as in Keras") {
  using enum DType;
  CHECK(promote({f32, f64}) == f64);
  CHECK(promote({f16, bf16}) == f32);
  CHECK(promote({i32, f16}) == f16);
  CHECK(promote({i64, f32}) == f32);
  CHECK(promote({u8, i8}) == i16);
  CHECK(promote({u32, i32}) == i64);
  CHECK(promote({u64, i64}) == f32);
  CHECK(promote({boolean, i8}) == i8);
  CHECK(promote({boolean}, {.integer = true}) == i32);
  CHECK(promote({u8}, {.integer = true}) == u8);
  CHECK(promote({i64}, {.fraction = true}) == f32);
  CHECK(promote({f64}, {.fraction = true}) == f64);
  CHECK(promote({bf16}, {.integer = true, .fraction = true}) == bf16);
  CHECK_THROWS_AS(promote({string, f32}), InvalidArgument);
}

}  // namespace keratin
