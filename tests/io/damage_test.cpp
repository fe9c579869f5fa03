// Every reader, fed with damaged files: whatever happens, it is success or one
// of our errors, soon.

#include "tests/io/damage.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <string>

#include <keratin/error.hpp>
#include <keratin/io/csv.hpp>

#include "src/io/hdf5_reader.hpp"
#include "src/io/idx.hpp"
#include "src/io/npy.hpp"
#include "src/io/wav.hpp"
#include "src/io/zip.hpp"
#include "tests/io/memory.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"

namespace keratin {

using testing::check_both;
using testing::damage;
using testing::in_memory;

namespace {

/// Reads all there is. One bad object must not hide the others from the test.
void read_object(const h5::Object& object, int depth, int& refused) {
  const auto guarded = [&](const std::function<void()>& step) {
    try {
      step();
    } catch (const InvalidArgument&) {
      ++refused;
    }
  };
  guarded([&] {
    for (const auto& name : object.attr_names()) {
      guarded([&] { object.attr(name); });
    }
  });
  if (object.is_dataset()) {
    guarded([&] { object.read(); });
    return;
  }
  if (depth == 0) return;
  guarded([&] {
    for (const auto& name : object.keys()) {
      guarded([&] { read_object(object.at(name), depth - 1, refused); });
    }
  });
}

void read_hdf5(const std::string& bytes) {
  const h5::File file(in_memory(bytes), "x.h5");
  int refused = 0;
  read_object(file.root(), 3, refused);
  if (refused > 0) throw InvalidArgument("parts were refused");
}

std::string fixture_bytes(const std::string& name) {
  return testing::read_file(testing::fixture("io/" + name));
}

}  // namespace

TEST_CASE("Damaged HDF5 files of the old format end in an error") {
  check_both(damage(fixture_bytes("earliest.h5"), read_hdf5));
}

TEST_CASE("Damaged HDF5 files of the new format end in an error") {
  check_both(damage(fixture_bytes("latest.h5"), read_hdf5));
}

TEST_CASE("Damaged HDF5 files full of tricks end in an error") {
  CHECK(damage(fixture_bytes("refused.h5"), read_hdf5).refused > 100);
}

TEST_CASE("Damaged zip and npz archives end in an error") {
  const auto read = [](const std::string& bytes) {
    const io::ZipReader archive(in_memory(bytes), "x.zip");
    for (const auto& member : archive.members()) {
      io::parse_npy(archive.read(member.name), "[x]");
    }
  };
  check_both(damage(fixture_bytes("stored.npz"), read));
  // One of its members is 40,128 bytes of zeros; a buffer grows to that.
  check_both(
      damage(fixture_bytes("deflated.npz"), read, [](std::uint64_t size) {
        return testing::ten_times_and_tables(size) + 3 * 40'128;
      }));
}

TEST_CASE("Damaged npy files end in an error") {
  const auto read = [](const std::string& bytes) {
    io::parse_npy(in_memory(bytes), "[x]");
  };
  for (const char* name : {"fortran.npy", "unicode.npy", "bool.npy", "c.npy"}) {
    CAPTURE(name);
    check_both(damage(fixture_bytes(name), read));
  }
}

TEST_CASE("Damaged CSV texts end in an error or a table") {
  std::string text = "a,b,c\n";
  for (int i = 0; i < 50; ++i) text += "1,\"two\",3.5\n";
  check_both(damage(text, [](const std::string& bytes) {
    const io::Table table = io::parse_csv(bytes);
    for (const auto& name : table.columns()) table.column(name);
  }));
}

TEST_CASE("Damaged IDX files end in an error") {
  std::string bytes("\0\0\x0b\x02\0\0\0\x05\0\0\0\x04", 12);
  bytes += std::string(40, 'x');
  check_both(damage(bytes, [](const std::string& changed) {
    io::parse_idx(in_memory(changed), "[x]");
  }));
}

TEST_CASE("Damaged WAV files end in an error or a sound") {
  for (const char* name : {"mono.wav", "listed.wav", "stereo.wav"}) {
    CAPTURE(name);
    const auto file = testing::fixture("sounds/" + std::string(name));
    check_both(damage(testing::read_file(file), [](const std::string& bytes) {
      io::decode_wav(in_memory(bytes).bytes, "[x]");
    }));
  }
}

}  // namespace keratin
