#include "examples/courses/numpy_random.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <string>

#include "tests/support/paths.hpp"

namespace {

std::map<std::string, double> numbers_of_numpy() {
  std::ifstream file(
      keratin::testing::source_dir() / "tests/courses/expected" /
      "numpy_random.txt");
  std::map<std::string, double> numbers;
  for (std::string line; std::getline(file, line);) {
    const std::size_t at = line.find(" = ");
    numbers[line.substr(0, at)] = std::strtod(line.c_str() + at + 3, nullptr);
  }
  return numbers;
}

}  // namespace

TEST_CASE("NumpyRandom draws NumPy's numbers bit for bit") {
  const auto want = numbers_of_numpy();
  const auto at = [&](const std::string& name, int i) {
    return want.at(name + "[" + std::to_string(i) + "]");
  };
  NumpyRandom random(0);
  for (int i = 0; i < 6; ++i) CHECK(random.randn() == at("randn", i));
  for (int i = 0; i < 3; ++i) CHECK(random.rand() == at("rand", i));
  // An odd count leaves the second number of a pair for the next call.
  for (int i = 0; i < 3; ++i) CHECK(random.randn() == at("odd", i));
  const keratin::Tensor draw = random.randn({64, 1000});
  CHECK(draw.at(63999) == want.at("last"));
  double sum = 0;
  for (std::int64_t i = 0; i < draw.size(); ++i) sum += draw.at(i);
  CHECK(sum == doctest::Approx(want.at("sum")).epsilon(1e-12));
  NumpyRandom other(4294967295U);
  for (int i = 0; i < 4; ++i) CHECK(other.randn() == at("other", i));
}
