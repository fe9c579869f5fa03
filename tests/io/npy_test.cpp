#include "src/io/npy.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/io/npy.hpp>

#include "tests/io/memory.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using io::load_npy;
using testing::fixture;
using testing::in_memory;
using testing::message_of;

namespace {

using Texts = std::vector<std::string>;

Tensor load(const std::string& name) {
  return load_npy(fixture("io/" + name).string());
}

Tensor counting(DType dtype) {
  return Tensor(std::vector<double>{0, 1, 2, 3, 4, 5}, {2, 3}).cast(dtype);
}

}  // namespace

TEST_CASE("Arrays that NumPy wrote read with their dtype and order") {
  CHECK(load("c.npy") == counting(DType::f32));
  CHECK(load("fortran.npy") == counting(DType::i32));
  CHECK(load("big_endian.npy") == counting(DType::f64));
  CHECK(load("half.npy") == counting(DType::f16));
  CHECK(load("bfloat16.npy") == counting(DType::bf16));
  CHECK(load("version2.npy") == counting(DType::i64));
  CHECK(load("version3.npy") == counting(DType::i64));
  CHECK(load("bool.npy") == Tensor(std::vector<bool>{true, false}));
  CHECK(load("scalar.npy") == Tensor(2.5));
  CHECK(load("empty.npy").shape() == Shape{0, 3});
  CHECK(
      load("unicode.npy") ==
      Tensor(Texts{"a", "\xc3\xbcn\xc3\xaf", "", "\xf0\x9f\x98\x80"}, {2, 2}));
  CHECK(load("unicode_be.npy") == Tensor(Texts{"ab", "c"}));
  CHECK(load("bytes.npy") == Tensor(Texts{"ab", "c"}));
}

TEST_CASE("What would run code or does not fit is refused by name") {
  const auto message = [](const std::string& name) {
    return message_of<InvalidArgument>([&] { load(name); });
  };
  CHECK(
      message("object.npy") ==
      "[object.npy]: dtype '|O' holds Python objects, which are refused: they "
      "could run code");
  CHECK(
      message("record.npy") ==
      "[record.npy]: records are outside what Keratin reads");
  CHECK(
      message("refused.h5") ==
      "[refused.h5]: expected an .npy file, got 14896 bytes without its "
      "signature");
}

TEST_CASE("A header that lies about its size is refused") {
  std::string bytes = testing::read_file(fixture("io/c.npy"));
  const std::size_t at = bytes.find("(2, 3)");
  const auto with_shape = [&](const std::string& shape) {
    std::string changed = bytes;
    changed.replace(at, shape.size(), shape);
    return message_of<InvalidArgument>(
        [&] { io::parse_npy(in_memory(changed), "[x]"); });
  };
  CHECK(with_shape("(2, 3)") == "(nothing thrown)");
  CHECK(
      with_shape("(9, 9)") ==
      "[x]: expected 324 more bytes at offset 128, got 24; the file is "
      "truncated or damaged");
  CHECK(
      with_shape("(9999999999, 9999999999), }") ==
      "[x]: impossible shape [9999999999,9999999999]");
  CHECK(with_shape("(2, -3").find("expected a dimension") != std::string::npos);
}

TEST_CASE("Every dtype survives .npy and .npz") {
  const testing::TempDir folder;
  const std::string path = (folder / "x.npy").string();
  std::map<std::string, Tensor> arrays;
  for (int i = 0; i < kDTypeCount - 1; ++i) {
    const auto dtype = static_cast<DType>(i);
    CAPTURE(name_of(dtype));
    io::save_npy(path, counting(dtype));
    CHECK(load_npy(path) == counting(dtype));
    arrays[std::string(name_of(dtype))] = counting(dtype);
  }
  for (const Tensor& odd :
       {Tensor(2.5F),
        Tensor(DType::f32, {0, 4}),
        Tensor(Texts{"a", "\xf0\x9f\x98\x80", ""}),
        Tensor(std::vector<float>{1, 2, 3})}) {
    io::save_npy(path, odd);
    CHECK(load_npy(path) == odd);
  }
  const std::string npz = (folder / "x.npz").string();
  io::save_npz(npz, arrays);
  CHECK(io::load_npz(npz) == arrays);
}

TEST_CASE("Archives that NumPy wrote read, packed or not") {
  const auto stored = io::load_npz(fixture("io/stored.npz").string());
  CHECK(stored.at("x") == counting(DType::i64));
  CHECK(stored.at("y") == Tensor(Texts{"a", "b"}));
  const auto deflated = io::load_npz(fixture("io/deflated.npz").string());
  CHECK(deflated.at("x") == counting(DType::i64));
  CHECK(deflated.at("zeros") == Tensor(DType::f32, {10000}));
}

TEST_CASE("Text that is not UTF-8 cannot be written as .npy") {
  CHECK(message_of<InvalidArgument>([&] {
          io::format_npy(Tensor(Texts{"\xff"}));
        }).find("[npy] expected UTF-8 text") == 0);
}

}  // namespace keratin
