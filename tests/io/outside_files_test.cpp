// Files that nobody on this project made: every one opens, and what must be
// refused is.

#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include <keratin/error.hpp>

#include "src/io/hdf5_reader.hpp"
#include "src/io/zip.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using testing::message_of;

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_below(
    const fs::path& folder, const std::set<std::string>& endings) {
  std::vector<fs::path> out;
  if (!fs::exists(folder)) return out;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const bool wanted = endings.contains(entry.path().extension().string());
    if (entry.is_regular_file() && wanted) out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

int read_all(const h5::File& file) {
  int count = 0;
  for (const auto& path : h5::walk(file.root())) {
    const h5::Object object = file.at(path);
    for (const auto& name : object.attr_names()) object.attr(name);
    if (object.is_dataset()) {
      object.read();
      ++count;
    }
  }
  for (const auto& name : file.root().attr_names()) file.root().attr(name);
  return count;
}

int read_all(const fs::path& path) {
  if (path.extension() != ".keras") {
    return read_all(h5::File::open(path.string()));
  }
  const auto archive = io::ZipReader::open(path.string());
  int count = 0;
  for (const auto& member : archive.members()) {
    const auto content = archive.read(member.name);
    if (member.name.ends_with(".h5")) {
      count += read_all(h5::File(content, member.name));
    }
  }
  return count;
}

bool is_hostile(const fs::path& path) {
  const std::string folder = path.parent_path().filename().string();
  return folder == "hostile" || folder == "negative";
}

}  // namespace

TEST_CASE("Every Keras file of the outside collection reads to the end") {
  const auto files = files_below(testing::data_dir(), {".h5", ".keras"});
  if (files.empty()) KERATIN_SKIP("no files under KERATIN_DATA");
  int datasets = 0;
  for (const auto& path : files) {
    if (is_hostile(path)) continue;
    CAPTURE(path.string());
    CHECK_NOTHROW(datasets += read_all(path));
  }
  CHECK(datasets > 0);
}

TEST_CASE("Every conformance case reads to the end") {
  const auto files = files_below(testing::conformance_dir(), {".h5", ".keras"});
  if (files.empty()) KERATIN_SKIP("no files under KERATIN_CONFORMANCE");
  int datasets = 0;
  for (const auto& path : files) {
    CAPTURE(path.string());
    CHECK_NOTHROW(datasets += read_all(path));
  }
  CHECK(datasets > 1000);
}

TEST_CASE("Files that attack their reader are refused by name") {
  const fs::path folder = testing::data_dir() / "models";
  if (!fs::exists(folder / "hostile")) {
    KERATIN_SKIP("no models/hostile under KERATIN_DATA");
  }
  const auto refused = [&](const char* name, const char* why) {
    CAPTURE(name);
    if (!fs::exists(folder / name)) return;
    const auto what =
        message_of<InvalidArgument>([&] { read_all(folder / name); });
    CAPTURE(what);
    CHECK(what.find(why) != std::string::npos);
  };
  refused("hostile/zip_symlink.keras", "is a symbolic link");
  refused("hostile/zip_bomb_weights.keras", "more than the");
  refused("hostile/config_twice.keras", "is there twice");
  refused("hostile/h5_shape_bomb_1d.keras", "dataset would take");
  refused("hostile/h5_external_link.keras", "an external link");
  refused("hostile/h5_soft_link_loop.keras", "a soft link");
  CHECK_NOTHROW(
      read_all(folder / "hostile/h5_big_endian_double_harmless.keras"));
  for (const auto& path : files_below(folder / "negative", {".h5"})) {
    CAPTURE(path.string());
    CHECK_THROWS_AS(read_all(path), InvalidArgument);
  }
}

}  // namespace keratin
