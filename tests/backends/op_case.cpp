#include "tests/backends/op_case.hpp"

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "src/core/format.hpp"
#include "src/core/visit.hpp"
#include "tests/support/paths.hpp"

namespace keratin::testing {

namespace {

template <class T>
T number(const std::string& text) {
  if constexpr (std::is_same_v<T, float>) {
    return std::strtof(text.c_str(), nullptr);
  } else if constexpr (kIsFloating<T>) {
    return convert_element<T>(std::strtod(text.c_str(), nullptr));
  } else if constexpr (std::is_same_v<T, std::uint64_t>) {
    return std::strtoull(text.c_str(), nullptr, 10);
  } else {
    return static_cast<T>(std::strtoll(text.c_str(), nullptr, 10));
  }
}

// "f32[2,3] 1 2 3 4 5 6"
Tensor read_tensor(std::istringstream& line) {
  std::string type;
  line >> type;
  const std::size_t bracket = type.find('[');
  const DType dtype = parse_dtype(type.substr(0, bracket));
  Shape shape;
  std::istringstream dims(type.substr(bracket + 1, type.size() - bracket - 2));
  for (std::string dim; std::getline(dims, dim, ',');) {
    shape.push_back(std::stoll(dim));
  }
  Tensor tensor(dtype, shape);
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    for (T& element : tensor.mutable_data<T>()) {
      std::string text;
      if (!(line >> text)) throw std::runtime_error("too few numbers: " + type);
      element = number<T>(text);
    }
  });
  return tensor;
}

std::string type_of(const Tensor& tensor) {
  return ValueType{tensor.dtype(), tensor.shape()}.str();
}

// "reduce_sum {axes=[0]}" as a graph on parameters.
void finish(OpCase& one, const std::string& operation) {
  const std::size_t space = operation.find(' ');
  const std::string op = operation.substr(0, space);
  const std::string attrs =
      space == std::string::npos ? "" : operation.substr(space);
  std::string operands;
  std::string results;
  std::string types;
  one.graph = "graph {\n";
  one.name = operation;
  for (std::size_t i = 0; i < one.inputs.size(); ++i) {
    const std::string type = type_of(one.inputs[i]);
    one.graph +=
        keratin::format("  %{} = parameter(\"x{}\") : {}\n", i, i, type);
    operands += keratin::format("{}%{}", i == 0 ? "" : ", ", i);
    one.name += " " + type;
  }
  for (std::size_t i = 0; i < one.outputs.size(); ++i) {
    const char* comma = i == 0 ? "" : ", ";
    results += keratin::format("{}%{}", comma, one.inputs.size() + i);
    types += comma + type_of(one.outputs[i]);
  }
  one.graph += keratin::format(
      "  {} = {}({}){} : {}\n  return {}\n}}\n",
      results,
      op,
      operands,
      attrs,
      types,
      results);
}

std::vector<OpCase> read_cases() {
  const auto path = fixture("backends/reference_cases.txt");
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path.string());
  std::vector<OpCase> cases;
  std::vector<std::string> operations;
  for (std::string text; std::getline(file, text);) {
    std::istringstream line(text);
    std::string word;
    line >> word;
    if (word == "case") {
      cases.emplace_back();
      operations.push_back(text.substr(5));
    } else if (word == "in") {
      cases.back().inputs.push_back(read_tensor(line));
    } else if (word == "out") {
      cases.back().outputs.push_back(read_tensor(line));
    } else {
      throw std::runtime_error("unknown line: " + text);
    }
  }
  for (std::size_t i = 0; i < cases.size(); ++i) {
    finish(cases[i], operations[i]);
  }
  return cases;
}

}  // namespace

const std::vector<OpCase>& reference_cases() {
  static const std::vector<OpCase> cases = read_cases();
  return cases;
}

Tolerance tolerance(DType dtype) {
  switch (dtype) {
    case DType::f64:
      return {1e-14, 1e-13};
    case DType::f32:
      return {1e-6, 1e-6};
    case DType::f16:
      return {1e-3, 1e-3};
    case DType::bf16:
      return {8e-3, 8e-3};
    default:
      return {0, 0};
  }
}

std::string difference(
    const Tensor& expected, const Tensor& got, const Tolerance& allowed) {
  if (expected.dtype() != got.dtype() || expected.shape() != got.shape()) {
    return keratin::format(
        "expected {}, got {}", type_of(expected), type_of(got));
  }
  if (!is_floating(expected.dtype())) {
    if (expected == got) return {};
    return keratin::format("expected {}, got {}", expected.str(), got.str());
  }
  std::int64_t worst = -1;
  double excess = 0;
  for (std::int64_t i = 0; i < expected.size(); ++i) {
    const double want = expected.at(i);
    const double have = got.at(i);
    if (want == have || (std::isnan(want) && std::isnan(have))) continue;
    const double limit = allowed.absolute + allowed.relative * std::fabs(want);
    const double over = std::isfinite(want) && std::isfinite(have)
                            ? std::fabs(want - have) - limit
                            : HUGE_VAL;
    if (over > excess) {
      excess = over;
      worst = i;
    }
  }
  if (worst < 0) return {};
  return keratin::format(
      "element {} of {}: expected {}, got {}",
      worst,
      type_of(expected),
      expected.at(worst),
      got.at(worst));
}

}  // namespace keratin::testing
