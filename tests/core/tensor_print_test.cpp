#include <doctest/doctest.h>

#include <sstream>
#include <string>
#include <vector>

#include <keratin/config.hpp>
#include <keratin/tensor.hpp>

#include "src/core/visit.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"

namespace keratin {

namespace {

Tensor from_case(const Config& entry) {
  const Shape shape(entry.at("shape").as_ints());
  const DType dtype = parse_dtype(entry.at("dtype").as_string());
  Tensor tensor(dtype, shape);
  const Config::Array& values = entry.at("values").as_array();
  if (dtype == DType::string) {
    auto out = tensor.mutable_data<std::string>();
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = values[i].as_string();
    return tensor;
  }
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    auto out = tensor.mutable_data<T>();
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (values[i].is_bool()) {
        out[i] = convert_element<T>(values[i].as_bool());
      } else if (values[i].is_int()) {
        out[i] = convert_element<T>(values[i].as_int());
      } else {
        out[i] = convert_element<T>(values[i].as_number());
      }
    }
  });
  return tensor;
}

}  // namespace

TEST_CASE("tensors print as NumPy prints them") {
  // JSON has no whole numbers above 2^63; the file writes such as they are.
  std::string text =
      testing::read_file(testing::fixture("core/numpy_print.json"));
  const std::string largest = "18446744073709551615";
  text.replace(text.find('[' + largest) + 1, largest.size(), "-1");
  const Config cases = Config::parse(text);
  REQUIRE(cases.size() > 200);
  for (const Config& entry : cases.as_array()) {
    CAPTURE(entry.at("dtype").as_string());
    CAPTURE(entry.at("shape").dump());
    CHECK(from_case(entry).str() == entry.at("text").as_string());
  }
}

TEST_CASE("bfloat16 prints the digits of its float32") {
  CHECK(
      Tensor(std::vector<float>{0.5F, 1.0F}).cast(DType::bf16).str() ==
      "[0.5 1. ]");
}

TEST_CASE("tensors go into streams") {
  std::ostringstream out;
  out << Tensor(std::vector<int>{1, 2});
  CHECK(out.str() == "[1 2]");
}

}  // namespace keratin
