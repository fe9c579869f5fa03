#include "src/io/hdf5_reader.hpp"

#include <doctest/doctest.h>

#include <numeric>
#include <string>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/io/hdf5.hpp>

#include "src/io/hdf5_image.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using testing::fixture;
using testing::message_of;

namespace {

const std::vector<std::string> kVersions = {"earliest.h5", "latest.h5"};

h5::File open(const std::string& name) {
  return h5::File::open(fixture("io/" + name).string());
}

Tensor counting(Shape shape, DType dtype) {
  std::vector<double> values(static_cast<std::size_t>(shape.size()));
  std::iota(values.begin(), values.end(), 0.0);
  return Tensor(values, std::move(shape)).cast(dtype);
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("HDF5 numbers of every size and byte order read as written") {
  const std::vector<std::pair<std::string, DType>> types = {
      {"i1", DType::i8},
      {"u1", DType::u8},
      {"le_i2", DType::i16},
      {"be_i2", DType::i16},
      {"le_u2", DType::u16},
      {"le_i4", DType::i32},
      {"be_i4", DType::i32},
      {"le_u4", DType::u32},
      {"le_i8", DType::i64},
      {"be_i8", DType::i64},
      {"le_u8", DType::u64},
      {"be_u8", DType::u64},
      {"le_f2", DType::f16},
      {"be_f2", DType::f16},
      {"le_f4", DType::f32},
      {"be_f4", DType::f32},
      {"le_f8", DType::f64},
      {"be_f8", DType::f64}};
  for (const auto& version : kVersions) {
    const h5::File file = open(version);
    for (const auto& type : types) {
      const auto& name = type.first;
      const DType dtype = type.second;
      CAPTURE(version);
      CAPTURE(name);
      const h5::Object data = file.at("numbers/" + name);
      CHECK(data.dtype() == dtype);
      CHECK(data.shape() == Shape{2, 3});
      CHECK(data.read() == counting({2, 3}, dtype));
      CHECK(file.root().attr("a_" + name) == counting({2, 3}, dtype));
    }
  }
}

TEST_CASE("HDF5 bool, bfloat16, scalars and empty data read as h5py means") {
  for (const auto& version : kVersions) {
    CAPTURE(version);
    const h5::File file = open(version);
    CHECK(
        file.at("bool").read() == Tensor(std::vector<bool>{true, false, true}));
    CHECK(file.at("bfloat16").read() == counting({4}, DType::bf16));
    CHECK(file.at("scalar").read() == Tensor(2.5F));
    CHECK(file.at("zero").shape() == Shape{0, 4});
    CHECK(file.at("zero").read().size() == 0);
    CHECK(file.at("null").read().shape() == Shape{0});
    CHECK(file.root().attr("none").shape() == Shape{0});
    CHECK(
        file.at("compact").read() ==
        Tensor(std::vector<std::int32_t>{7, 8, 9}));
  }
}

TEST_CASE("HDF5 chunks are put together, unpacked and checked") {
  for (const auto& version : kVersions) {
    const h5::File file = open(version);
    for (const char* name : {"plain", "gzip", "all", "one"}) {
      CAPTURE(version);
      CAPTURE(name);
      CHECK(file.at("chunked").at(name).read() == counting({7, 5}, DType::f32));
    }
    CHECK(
        file.at("fill/contiguous").read() ==
        Tensor::full(DType::f32, {2, 2}, 3.5));
    CHECK(
        file.at("fill/chunked").read() ==
        Tensor(std::vector<float>{1, 1, 1, 1, 3.5, 3.5, 3.5, 3.5}, {4, 2}));
  }
}

TEST_CASE("HDF5 strings of fixed and variable length read as text") {
  for (const auto& version : kVersions) {
    CAPTURE(version);
    const h5::File file = open(version);
    CHECK(
        file.at("text/variable").read() ==
        Tensor(Texts{"a", "", "\xc3\xbcn\xc3\xaf"}));
    CHECK(file.at("text/fixed").read() == Tensor(Texts{"a", "", "hello"}));
    CHECK(file.at("text/scalar").read().rank() == 0);
    CHECK(file.root().attr_text("text") == "hello");
    CHECK(file.root().attr_texts("texts") == Texts{"a", "bcd", ""});
    CHECK(file.root().attr_texts("fixed") == Texts{"xx", "y"});
    CHECK(file.root().attr_texts("none").empty());
  }
}

TEST_CASE("HDF5 long texts, huge and many attributes and links are found") {
  std::string digits;
  for (int i = 0; i < 7000; ++i) digits += "0123456789";
  CHECK(open("earliest.h5").root().attr_text("long") == digits);
  CHECK(open("latest.h5").root().attr("huge") == counting({9000}, DType::i64));
  for (const auto& version : kVersions) {
    CAPTURE(version);
    const h5::Object many = open(version).at("many");
    CHECK(many.keys().size() == 100);
    CHECK(many.keys()[0] == "link_0");
    CHECK(many.keys()[2] == "link_10");  // by name
    CHECK(many.at("link_57").read() == Tensor(2.5F));
    CHECK(many.attr_names().size() == 40);
    CHECK(many.attr("attr_33").item<int>() == 33);
    CHECK(open(version).at("ordered").keys() == Texts{"c", "a", "b"});
  }
}

TEST_CASE("HDF5 data in this machine's order share the mapped file") {
  const h5::File file = open("earliest.h5");
  const Tensor first = file.at("numbers/i1").read();
  const Tensor second = file.at("numbers/i1").read();
  CHECK(first.raw() == second.raw());
}

TEST_CASE("A walk meets every object once, however often it is linked") {
  const auto paths = h5::walk(open("refused.h5").at("loop"));
  CHECK(paths.empty());  // the loop leads back to where it began
  const auto many = h5::walk(open("earliest.h5").at("many"));
  CHECK(many == Texts{"many/link_0"});
}

TEST_CASE("HDF5 names that are not there say so") {
  const h5::File file = open("earliest.h5");
  CHECK_FALSE(file.find("numbers/f3"));
  CHECK_FALSE(file.find("scalar/below"));
  CHECK(file.find("/numbers//i1/").has_value());
  CHECK(message_of<InvalidArgument>([&] {
          file.at("numbers").at("f3");
        }) == "[earliest.h5] numbers: nothing is called 'f3'");
  CHECK(message_of<InvalidArgument>([&] {
          file.at("numbers").read();
        }) == "[earliest.h5] numbers: expected a dataset, got a group");
  CHECK(message_of<InvalidArgument>([&] {
          file.root().attr("nope");
        }) == "[earliest.h5] /: attribute 'nope': there is none of that name");
  CHECK(
      message_of<InvalidArgument>([&] { file.root().attr_text("texts"); }) ==
      "[earliest.h5] /: attribute 'texts': expected one string, got str[3]");
}

TEST_CASE("HDF5 tricks are refused by name") {
  const h5::File file = open("refused.h5");
  const auto message = [&](const char* name) {
    return message_of<InvalidArgument>([&] { file.at(name).read(); });
  };
  const auto has = [&](const char* name, const char* text) {
    CAPTURE(message(name));
    CHECK(message(name).find(text) != std::string::npos);
  };
  has("soft", "'soft' is a soft link, which is refused");
  has("external", "'external' is an external link, which is refused");
  has("outside", "external storage is refused");
  has("virtual", "virtual datasets are refused");
  has("complex", "compound types are outside what Keratin reads");
  has("ragged", "variable-length arrays are outside what Keratin reads");
  has("lzf", "got filter 32000");
  has("bomb", "dataset would take 4398046511104 bytes");
  has("chunk_bomb", "dataset would take 4398046511104 bytes");
  const char* const unstored =
      "dataset would take 4194304 bytes, of which the file stores 0; expected "
      "at most 1048576";
  has("sparse", unstored);
  has("hollow", unstored);
}

TEST_CASE("A file that is no HDF5 file says what it is") {
  CHECK(
      message_of<InvalidArgument>(
          [&] { h5::File::open(fixture("io/c.npy").string()); }) ==
      "[c.npy]: expected an HDF5 file, got 152 bytes without its signature");
  CHECK(message_of<SystemError>([&] {
          h5::File::open("/nowhere/x.h5");
        }) == "[/nowhere/x.h5] open failed: No such file or directory");
  CHECK(message_of<SystemError>([&] {
          h5::File::open("/");
        }) == "[/] expected a regular file, got a folder");
}

TEST_CASE("lookup3 gives its author's test values") {
  CHECK(h5::lookup3(io::as_bytes("")) == 0xdeadbeef);
  CHECK(
      h5::lookup3(io::as_bytes("Four score and seven years ago")) ==
      0x17770551);
}

TEST_CASE("The public HDF5 file reads what the reader does") {
  const io::Hdf5File file(fixture("io/earliest.h5").string());
  CHECK(file.contains("numbers/i1"));
  CHECK_FALSE(file.contains("numbers/i3"));
  CHECK(file.is_dataset("numbers/i1"));
  CHECK_FALSE(file.is_dataset("numbers"));
  CHECK(file.keys("text") == Texts{"fixed", "scalar", "variable"});
  CHECK(file.read("scalar").item<float>() == 2.5F);
  CHECK(file.attr_text("/", "text") == "hello");
  CHECK(file.has_attr("/", "text"));
  CHECK(file.attr("many", "attr_3").item<int>() == 3);
  CHECK(file.attr_names("bfloat16") == Texts{"dtype"});
  CHECK(file.walk().front() == "bfloat16");
  CHECK(message_of<InvalidArgument>([&] {
          file.read("nope");
        }) == "[earliest.h5] /: nothing is called 'nope'");
}

}  // namespace keratin
