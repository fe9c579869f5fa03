// Files of pipelines and archives, damaged: they are read or refused.

#include "tests/io/damage.hpp"

#include <doctest/doctest.h>

#include <string>

#include <keratin/data/dataset.hpp>

#include "src/data/tar.hpp"
#include "tests/io/memory.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/tar.hpp"

namespace keratin {

using data::Dataset;
using data::Element;
using testing::check_both;
using testing::damage;
using testing::tar_member;
using testing::TempDir;

TEST_CASE("Damaged tar archives end in an error or a list of members") {
  const std::string good = tar_member("folder/", "", '5') +
                           tar_member("folder/a.txt", "some words") +
                           tar_member("long", "folder/b.txt", 'L') +
                           tar_member("cut", std::string(700, 'b')) +
                           tar_member("pax", "21 path=folder/c.txt\n", 'x') +
                           tar_member("cut", "c") + std::string(1024, '\0');
  check_both(damage(good, [](const std::string& bytes) {
    data::tar_members(testing::in_memory(bytes).bytes, "[x]");
  }));
}

TEST_CASE("Damaged files of a cache end in an error or elements") {
  const TempDir folder;
  const std::string path = (folder / "kept").string();
  const auto cached = [&] {
    return Dataset::from_tensor_slices(
               {{"words", Tensor(std::vector<std::string>{"a", "bc", "def"})},
                {"numbers", Tensor(DType::f32, {3, 4})}},
               Tensor(std::vector<std::int64_t>{1, 2, 3}))
        .cache(path);
  };
  for (const Element& element : cached()) (void)element;
  const std::string good = testing::read_file(path);
  check_both(damage(
      good,
      [&](const std::string& bytes) {
        testing::write_file(path, bytes);
        for (const Element& element : cached()) (void)element;
      },
      testing::ten_times_and_tables));
}

}  // namespace keratin
