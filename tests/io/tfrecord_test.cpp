// TFRecord files and tf.train.Examples, beside TensorFlow's own
// (tests/data/make_record_fixtures.py).

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/io/tfrecord.hpp>

#include "src/io/bytes.hpp"
#include "src/io/crc32c.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using io::parse_tf_example;
using io::serialize_tf_example;
using io::TfExample;
using io::TfRecordReader;
using io::TfRecordWriter;
using testing::message_of;
using testing::TempDir;

namespace {

std::string fixture_path(const std::string& name) {
  return testing::fixture("records/" + name).string();
}

std::vector<std::string> records_of(const std::string& path) {
  std::vector<std::string> out;
  TfRecordReader reader(path);
  while (auto record = reader.next()) out.push_back(std::move(*record));
  return out;
}

}  // namespace

TEST_CASE("CRC-32C is the RFC's") {
  CHECK(io::crc32c(io::as_bytes("123456789")) == 0xe3069283U);
  CHECK(io::crc32c({}) == 0);
  const std::string zeros(32, '\0');
  CHECK(io::crc32c(io::as_bytes(zeros)) == 0x8a9136aaU);
}

TEST_CASE("TensorFlow's examples are read, plain and compressed") {
  for (const char* const name :
       {"examples.tfrecord", "examples_gzip.tfrecord"}) {
    CAPTURE(name);
    const std::vector<std::string> records = records_of(fixture_path(name));
    REQUIRE(records.size() == 5);
    const TfExample two = parse_tf_example(records[2]);
    CHECK(two.size() == 6);  // "none" has no list
    CHECK(two.at("label") == Tensor(std::vector<std::int64_t>{2}));
    CHECK(two.at("numbers") == Tensor(std::vector<float>{2.5F, -2.0F, 1e-30F}));
    CHECK(
        two.at("far") == Tensor(std::vector<std::int64_t>{
                             -1,
                             std::numeric_limits<std::int64_t>::min(),
                             std::numeric_limits<std::int64_t>::max()}));
    CHECK(
        two.at("name") ==
        Tensor(std::vector<std::string>{"no. 2", std::string("\0\xff", 2)}));
    CHECK(two.at("empty") == Tensor(DType::f32, {0}));
    CHECK(parse_tf_example(records[4]).count("numbers") == 0);
  }
}

TEST_CASE("What is written is TensorFlow's, byte for byte") {
  const TempDir folder;
  const std::string path = (folder / "texts.tfrecord").string();
  TfRecordWriter writer(path);
  std::string two;
  for (int i = 0; i < 100; ++i) two += "two";
  for (const std::string& text : {std::string(), std::string("one"), two}) {
    writer.write(text);
  }
  CHECK_FALSE(std::filesystem::exists(path));  // not before it is whole
  writer.close();
  CHECK(
      testing::read_file(path) ==
      testing::read_file(fixture_path("texts.tfrecord")));

  const TfExample small = {
      {"a", Tensor(std::vector<std::int32_t>{0, 1, 300, -5})},
      {"b", Tensor(std::vector<double>{0.25, -1})},
      {"c", Tensor(std::vector<std::string>{"x", ""})}};
  CHECK(
      serialize_tf_example(small) ==
      testing::read_file(fixture_path("small.example")));
}

TEST_CASE("Examples go there and back") {
  const TfExample example = {
      {"", Tensor(std::vector<std::int64_t>{1})},
      {"empty", Tensor(DType::string, {0})},
      {"many", Tensor(DType::f32, {1000})}};
  const TfExample again = parse_tf_example(serialize_tf_example(example));
  REQUIRE(again.size() == 3);
  for (const auto& item : example) CHECK(again.at(item.first) == item.second);
  CHECK(
      message_of<InvalidArgument>([] {
        serialize_tf_example(
            {{"u", Tensor(std::vector<std::uint64_t>{1ULL << 63})}});
      }) ==
      "[serialize_tf_example] 'u': expected integers below 2^63, got "
      "one above");
}

TEST_CASE("A damaged record is named, and the next one still read") {
  const TempDir folder;
  const std::string path = (folder / "x.tfrecord").string();
  std::string bytes = testing::read_file(fixture_path("texts.tfrecord"));
  bytes[16 + 12] ^= 1;  // the first letter of "one"
  testing::write_file(path, bytes);
  TfRecordReader reader(path);
  CHECK(reader.next() == "");
  CHECK(
      message_of<InvalidArgument>([&] { reader.next(); }) ==
      "[x.tfrecord] record 1 at byte 16: the checksum of its data "
      "differs");
  CHECK(reader.position() == 2);
  CHECK(reader.next()->size() == 300);
  CHECK_FALSE(reader.next());

  bytes[35 + 2] ^= 1;  // the length of the third
  testing::write_file(path, bytes.substr(0, 16) + bytes.substr(35));
  TfRecordReader lost(path);
  CHECK(lost.next() == "");
  CHECK(
      message_of<InvalidArgument>([&] { lost.next(); }) ==
      "[x.tfrecord] record 1 at byte 16: the checksum of its length "
      "differs");
  CHECK_FALSE(lost.next());

  testing::write_file(path, bytes.substr(0, 30));
  TfRecordReader cut(path);
  cut.next();
  CHECK(
      message_of<InvalidArgument>([&] { cut.next(); }) ==
      "[x.tfrecord] record 1 at byte 16: expected 3 bytes of data, the "
      "file ends before");
  CHECK(message_of<SystemError>([&] {
          TfRecordReader((folder / "none").string());
        }).find("open failed: No such file") != std::string::npos);
}

}  // namespace keratin
