#include "src/io/hdf5_writer.hpp"

#include <doctest/doctest.h>

#include <string>
#include <thread>
#include <vector>

#include <keratin/error.hpp>

#include "src/io/hdf5_reader.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using testing::message_of;

namespace {

using Texts = std::vector<std::string>;

h5::File finished(h5::Writer& writer) {
  auto bytes = std::make_shared<std::vector<std::byte>>(writer.finish());
  return h5::File({io::Bytes(*bytes), bytes}, "memory.h5");
}

}  // namespace

TEST_CASE("What the HDF5 writer writes reads back the same") {
  h5::Writer writer;
  const Tensor base(std::vector<double>{0, 1, 2, 3, 4, 5}, {2, 3});
  for (int i = 0; i < kDTypeCount - 1; ++i) {
    const auto dtype = static_cast<DType>(i);
    const std::string name(name_of(dtype));
    writer.dataset("all/" + name, base.cast(dtype));
    if (dtype != DType::bf16) writer.attr("all", name, base.cast(dtype));
  }
  const Tensor texts(Texts{"a", "", "\xc3\xbcn\xc3\xaf"});
  writer.dataset("texts", texts);
  writer.dataset("scalar", Tensor(2.5F));
  writer.dataset("empty", Tensor(DType::f64, {0, 3}));
  writer.group("deep/er/group");
  writer.group("deep");
  writer.attr("/", "one", "text");
  writer.attr("/", "one", "other");  // replaces
  writer.attr("scalar", "list", Texts{"x", "yy"});
  writer.attr("/", "nothing", Tensor(DType::f64, {0}));

  const h5::File file = finished(writer);
  for (int i = 0; i < kDTypeCount - 1; ++i) {
    const auto dtype = static_cast<DType>(i);
    const std::string name(name_of(dtype));
    CAPTURE(name);
    CHECK(file.at("all/" + name).read() == base.cast(dtype));
    if (dtype == DType::bf16) continue;
    CHECK(file.at("all").attr(name) == base.cast(dtype));
  }
  CHECK(file.at("texts").read() == texts);
  CHECK(file.at("scalar").read() == Tensor(2.5F));
  CHECK(file.at("empty").read().shape() == Shape{0, 3});
  CHECK(file.at("deep/er/group").keys().empty());
  CHECK(file.root().attr_text("one") == "other");
  CHECK(file.at("scalar").attr_texts("list") == Texts{"x", "yy"});
  CHECK(file.root().attr_texts("nothing").empty());
}

TEST_CASE("Large data lie so that a reader can use them in place") {
  h5::Writer writer;
  writer.dataset("odd", Tensor(DType::u8, {301}));
  writer.dataset("large", Tensor(DType::f64, {1000}));
  const h5::File file = finished(writer);
  const Tensor first = file.at("large").read();
  const Tensor second = file.at("large").read();
  CHECK(first.raw() == second.raw());
}

TEST_CASE("The HDF5 writer refuses what it cannot write") {
  h5::Writer writer;
  writer.dataset("x", Tensor(1.0F));
  CHECK(message_of<InvalidArgument>([&] {
          writer.dataset("x", Tensor(1.0F));
        }) == "[hdf5] expected a new name, got 'x', which is there already");
  CHECK(message_of<InvalidArgument>([&] {
          writer.group("");
        }) == "[hdf5] expected a name without NUL characters, got ''");
  CHECK(
      message_of<InvalidArgument>([&] {
        writer.attr("x", "t", std::string_view("a\0b", 3));
      }) == "[hdf5] 't': expected text without NUL characters, got 'a\\x00b'");
  CHECK(
      message_of<InvalidArgument>(
          [&] { writer.attr("x", "big", Tensor(DType::f64, {9000})); }) ==
      "[hdf5] attribute 'big': expected at most 64512 bytes, got 72000; write "
      "it in pieces");
  CHECK(
      message_of<SystemError>([&] { writer.attr("y", "t", "text"); }) ==
      "[hdf5] H5Oopen failed for attribute t of y: object 'y' doesn't exist");
}

TEST_CASE("Writers in several threads do not disturb each other") {
  std::vector<std::thread> threads;
  std::vector<int> good(4, 0);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t, &good] {
      h5::Writer writer;
      for (int i = 0; i < 20; ++i) {
        writer.dataset("g/" + std::to_string(i), Tensor(t * 100 + i));
      }
      const h5::File file = finished(writer);
      good[static_cast<std::size_t>(t)] =
          file.at("g").keys().size() == 20 &&
          file.at("g/7").read().item<int>() == t * 100 + 7;
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(good == std::vector<int>{1, 1, 1, 1});
}

}  // namespace keratin
