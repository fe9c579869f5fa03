// Files that are read bit by bit, damaged; and that memory does not grow with
// them.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/io/csv_reader.hpp>
#include <keratin/io/tfrecord.hpp>

#include "src/io/pickle.hpp"
#include "src/io/zip.hpp"
#include "tests/io/damage.hpp"
#include "tests/io/memory.hpp"
#include "tests/support/allocations.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"

namespace keratin {

using testing::check_both;
using testing::damage;
using testing::TempDir;

namespace {

/// What reading takes however small the file is: buffers, zlib's tables.
std::uint64_t with_buffers(std::uint64_t size) {
  return testing::ten_times(size) + (std::uint64_t{3} << 20);
}

std::string fixture_bytes(const std::string& name) {
  return testing::read_file(testing::fixture("records/" + name));
}

}  // namespace

TEST_CASE("Damaged TFRecord files end in an error or records") {
  const TempDir folder;
  const std::string path = (folder / "x.tfrecord").string();
  for (const char* const name :
       {"examples.tfrecord", "examples_gzip.tfrecord"}) {
    CAPTURE(name);
    const auto outcome = damage(
        fixture_bytes(name),
        [&](const std::string& bytes) {
          testing::write_file(path, bytes);
          io::TfRecordReader reader(path);
          while (const auto record = reader.next()) {
            io::parse_tf_example(*record);
          }
        },
        with_buffers);
    CHECK(outcome.refused > 2000);  // checksums see every change
  }
}

TEST_CASE("Damaged examples end in an error or features") {
  io::TfRecordReader reader(
      testing::fixture("records/examples.tfrecord").string());
  const std::string good = *reader.next();
  check_both(damage(
      good, [](const std::string& bytes) { io::parse_tf_example(bytes); }));
}

TEST_CASE("Damaged arrays of lists end in an error or lists") {
  // Python lists of integers in an .npy, as np.save writes them.
  const io::SharedBytes archive = testing::in_memory(
      testing::read_file(testing::fixture("keras_datasets/imdb.npz")));
  const io::ZipReader zip(archive, "imdb.npz");
  for (const char* const name : {"x_train.npy", "x_test.npy"}) {
    CAPTURE(name);
    const std::string good(io::as_text(zip.read(name).bytes));
    check_both(damage(
        good,
        [](const std::string& bytes) {
          io::parse_npy_of_lists(testing::in_memory(bytes).bytes, "[x]");
        },
        [](std::uint64_t size) {
          // Lists of one integer take most.
          return testing::ten_times_and_tables(4 * size);
        }));
  }
}

TEST_CASE("Damaged CSV files end in an error or lines") {
  const TempDir folder;
  const std::string path = (folder / "x.csv").string();
  std::string text = "a,b,c\n";
  for (int i = 0; i < 50; ++i) text += "1,\"two\",3.5\n";
  check_both(damage(
      text,
      [&](const std::string& bytes) {
        testing::write_file(path, bytes);
        io::CsvReader reader(path);
        std::vector<std::string> fields;
        while (reader.next(fields)) {
        }
      },
      with_buffers));
}

TEST_CASE("A large file takes no more memory than a small one") {
  const TempDir folder;
  const std::string csv = (folder / "x.csv").string();
  const std::string records = (folder / "x.tfrecord").string();
  std::string text = "a,b,c\n";
  {
    io::TfRecordWriter writer(records);
    const std::string line = "123.25,\"some words\",-4e5\n";
    for (int i = 0; i < 1'000'000; ++i) {
      text += line;
      writer.write(line);
    }
    writer.close();
  }
  testing::write_file(csv, text);
  const testing::AllocationPeak peak;
  std::int64_t lines = 0;
  {
    io::CsvReader reader(csv);
    std::vector<std::string> fields;
    while (reader.next(fields)) ++lines;
  }
  io::TfRecordReader reader(records);
  while (reader.next()) ++lines;
  CHECK(lines == 2'000'000);
  CHECK(peak.bytes() < (std::size_t{2} << 20));
}

}  // namespace keratin
