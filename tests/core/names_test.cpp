#include "src/core/names.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace keratin {

TEST_CASE("edit distance counts inserts, deletes, replacements and swaps") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("form", "from") == 1);
  CHECK(edit_distance("Dense", "dense") == 0);
}

TEST_CASE("the nearest name is found among near ones only") {
  const std::vector<std::string> layers = {"Dense", "Dropout", "Conv2D"};
  CHECK(nearest_name("Dnese", layers) == "Dense");
  CHECK(nearest_name("conv2d", layers) == "Conv2D");
  CHECK(nearest_name("Transformer", layers).empty());
  CHECK(nearest_name("x", std::vector<std::string>{}).empty());
}

TEST_CASE("did_you_mean is the tail of a message or nothing") {
  const std::vector<std::string> keys = {"units"};
  CHECK(did_you_mean("unit", keys) == "; did you mean \"units\"?");
  CHECK(did_you_mean("whatever", keys).empty());
}

}  // namespace keratin
