#include <keratin/feature_space.hpp>

#include "tests/layers/text/text_support.hpp"

namespace keratin {

using namespace testing;
using utils::Cross;
using utils::FeatureSpace;

namespace {

FeatureSpace::Columns table_of(const Config& json) {
  FeatureSpace::Columns columns;
  for (const auto& [name, values] : json.as_object()) {
    std::vector<std::string> words;
    std::vector<double> numbers;
    for (const Config& value : values.as_array()) {
      if (value.is_string()) {
        words.push_back(value.as_string());
      } else {
        numbers.push_back(value.as_number());
      }
    }
    columns.emplace_back(name, words.empty() ? Tensor(numbers) : Tensor(words));
  }
  return columns;
}

}  // namespace

TEST_CASE("FeatureSpace encodes every kind of column as Keras does") {
  const Config expected = fixture_json("feature_space.json");
  FeatureSpace space(
      {{"f", "float"},
       {"scaled", FeatureSpace::float_rescaled(2, 1)},
       {"normal", "float_normalized"},
       {"bins", FeatureSpace::float_discretized(4)},
       {"ints", "integer_categorical"},
       {"words", FeatureSpace::string_categorical(3)},
       {"hashed_ints", FeatureSpace::integer_hashed(5)},
       {"hashed_words", FeatureSpace::string_hashed(6)}},
      {.crosses = {{{"words", "ints"}, 7}, {{"bins", "words"}, 3}}});
  const FeatureSpace::Columns table = table_of(expected.at("table"));
  CHECK(
      error_of([&] { space(table); }) ==
      "[FeatureSpace] column 'bins' is not adapted yet; call adapt on data "
      "first");
  space.adapt(table);
  FeatureSpace::Columns rows = table;
  const std::int64_t count = expected.at("rows").as_int();
  for (auto& [name, values] : rows) values = values.slice(0, count);
  const Tensor y = space(rows);
  std::vector<double> want;
  for (const Config& row : expected.at("output").as_array()) {
    for (const Config& value : row.as_array())
      want.push_back(value.as_number());
  }
  check_close(y, Tensor(want, {count, 37}), 5e-6);
  // One row of scalars.
  for (auto& [name, values] : rows) values = values[0];
  CHECK(space(rows) == y[0]);
  CHECK(space.encode(table).at("words_X_ints").shape() == Shape{50, 7});
}

TEST_CASE("FeatureSpace is the beginning of a model") {
  FeatureSpace space(
      {{"age", "float_normalized"}, {"city", "string_categorical"}});
  const FeatureSpace::Columns table = {
      {"age", Tensor(std::vector<float>{20, 40, 60, 80})},
      {"city", texts({"Bonn", "Ulm", "Bonn", "Kiel"})}};
  space.adapt(table);
  Model model(
      space.get_inputs(), {layers::Dense(1)(space.get_encoded_features())});
  model.compile({.optimizer = "sgd", .loss = "mse"});
  const std::vector<Tensor> x = {
      table[0].second.reshape({4, 1}), table[1].second.reshape({4, 1})};
  CHECK_NOTHROW(model.fit(
      x, Tensor(DType::f32, {4, 1}), {.batch_size = 2, .verbose = 0}));
}

TEST_CASE("FeatureSpace keeps indices in a dict") {
  FeatureSpace space(
      {{"color", FeatureSpace::string_categorical({}, 1, "int")},
       {"size", "float"}},
      {.output_mode = "dict"});
  const FeatureSpace::Columns table = {
      {"size", Tensor(std::vector<float>{1, 2})},
      {"color", texts({"red", "blue"})}};
  space.adapt(table);
  const auto out = space.encode(table);
  CHECK(out.at("color") == ints({1, 2}, {2, 1}));
  CHECK(
      error_of([&] { space(table); }) ==
      "[FeatureSpace] yields one array per column in output_mode \"dict\"; "
      "call encode");
}

TEST_CASE("FeatureSpace says what is wrong") {
  CHECK(
      error_of([] {
        FeatureSpace({{"a", "floats"}});
      }) ==
      "[FeatureSpace] no kind of feature is called 'floats'; did you mean "
      "\"float\"?");
  CHECK(error_of([] {
          FeatureSpace(
              std::vector<std::pair<std::string, FeatureSpace::Kind>>{});
        }) == "[FeatureSpace] expected features, got none");
  CHECK(
      error_of([] {
        FeatureSpace({{"age", "float"}}, {.crosses = {{{"age", "aeg"}}}});
      }) ==
      "[FeatureSpace] a cross names the column 'aeg', which is no feature; did "
      "you mean \"age\"?");
  FeatureSpace space({{"age", "float"}, {"city", "string_hashed"}});
  CHECK(error_of([&] {
          space({{"age", Tensor(1.0F)}});
        }) == "[FeatureSpace] expected a column 'city', got none");
  CHECK(error_of([&] {
          space({{"age", Tensor(1.0F)}, {"city", Tensor(1.0F)}});
        }) == "[FeatureSpace] expected strings in column 'city', got float32");
  FeatureSpace mixed(
      {{"a", FeatureSpace::string_hashed(3, "int")}, {"b", "float"}});
  CHECK(
      error_of([&] {
        mixed({{"a", texts({"x"})}, {"b", Tensor(std::vector<float>{1})}});
      }).find("column 'a' yields int64 and cannot be joined") !=
      std::string::npos);
}

}  // namespace keratin
