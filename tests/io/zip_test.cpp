#include "src/io/zip.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include <keratin/error.hpp>

#include "tests/io/memory.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using io::ZipReader;
using io::ZipWriter;
using testing::in_memory;
using testing::message_of;

namespace {

std::string text_of(const io::SharedBytes& content) {
  return std::string(io::as_text(content.bytes));
}

std::string archive_bytes(const ZipWriter& writer) {
  const testing::TempDir folder;
  const auto path = folder / "a.zip";
  writer.save(path.string());
  return testing::read_file(path);
}

void replace_all(
    std::string& text, const std::string& a, const std::string& b) {
  for (std::size_t at = 0; (at = text.find(a, at)) != text.npos;) {
    text.replace(at, a.size(), b);
    at += b.size();
  }
}

}  // namespace

TEST_CASE("A zip archive reads back what was written, in place") {
  ZipWriter writer;
  writer.add("config.json", std::string_view("{}"));
  writer.add("empty", std::string_view());
  writer.add("assets/a.txt", std::vector<std::byte>(1000, std::byte{'x'}));
  const testing::TempDir folder;
  const std::string path = (folder / "m.keras").string();
  writer.save(path);

  const ZipReader reader = ZipReader::open(path);
  CHECK(reader.members().size() == 3);
  CHECK(text_of(reader.read("config.json")) == "{}");
  CHECK(text_of(reader.read("assets/a.txt")) == std::string(1000, 'x'));
  CHECK(reader.read("empty").bytes.empty());
  CHECK(reader.contains("empty"));
  CHECK_FALSE(reader.contains("nope"));
  CHECK(
      reader.read("assets/a.txt").bytes.data() ==
      reader.read("assets/a.txt").bytes.data());
}

TEST_CASE("Equal members give equal archives") {
  ZipWriter writer;
  writer.add("a", std::string_view("text"));
  CHECK(archive_bytes(writer) == archive_bytes(writer));
}

TEST_CASE("A member can come from a file") {
  const testing::TempDir folder;
  testing::write_file(folder / "w.bin", "weights");
  ZipWriter writer;
  writer.add_file("model.weights.h5", (folder / "w.bin").string());
  const std::string path = (folder / "m.zip").string();
  writer.save(path);
  CHECK(text_of(ZipReader::open(path).read("model.weights.h5")) == "weights");
}

TEST_CASE("Deflated members are unpacked within limits") {
  const ZipReader reader =
      ZipReader::open(testing::fixture("io/deflated.npz").string());
  CHECK(reader.read("zeros.npy").bytes.size() == 40128);
  CHECK(
      message_of<InvalidArgument>([&] { reader.read("zeros.npy", 40000); }) ==
      "[deflated.npz] 'zeros.npy': unpacks from 136 to 40128 bytes, more than "
      "the 40000 allowed; store it without compression");
  const ZipReader bomb =
      ZipReader::open(testing::fixture("io/bomb.zip").string());
  CHECK(
      message_of<InvalidArgument>([&] {
        bomb.read("config.json");
      }).find("2097152 bytes, more than the 1048576 allowed") !=
      std::string::npos);
}

TEST_CASE("Damaged and dishonest archives are refused by name") {
  ZipWriter writer;
  writer.add("aaaa", std::string_view("content"));
  writer.add("bbbb", std::string_view("content"));
  const std::string good = archive_bytes(writer);
  const auto message = [](const std::string& bytes) {
    return message_of<InvalidArgument>([&] {
      const ZipReader reader(in_memory(bytes), "m.zip");
      reader.read("aaaa");
    });
  };
  const auto renamed = [&](const std::string& from, const std::string& to) {
    std::string bytes = good;
    replace_all(bytes, from, to);
    return message(bytes);
  };
  CHECK(message(good) == "(nothing thrown)");
  CHECK(renamed("bbbb", "aaaa") == "[m.zip]: member 'aaaa' is there twice");
  CHECK(
      renamed("bbbb", "../b") ==
      "[m.zip]: member '../b' is refused: its name leaves the archive");
  CHECK(
      renamed("bbbb", "/etc") ==
      "[m.zip]: member '/etc' is refused: its name is an absolute path");
  CHECK(
      renamed("bbbb", "b\\bb") ==
      "[m.zip]: member 'b\\bb' is refused: its name contains a backslash");
  CHECK(
      renamed("content", "CONTENT") ==
      "[m.zip] 'aaaa': checksum differs; the file is damaged");
  CHECK(
      message("no archive at all, only text") ==
      "[m.zip]: expected a zip archive, got 28 bytes without its end record; "
      "the file is truncated or something else");
  CHECK(message_of<InvalidArgument>([&] {
          ZipReader(in_memory(good), "m.zip").read("cccc");
        }) == "[m.zip] 'cccc': the archive has no member of that name");

  std::string linked = good;  // the second entry becomes a symbolic link
  const std::size_t entry = linked.rfind("PK\x01\x02");
  linked[entry + 41] = static_cast<char>(0xa0);
  CHECK(
      message(linked) ==
      "[m.zip]: member 'bbbb' is a symbolic link, which is refused");
  std::string overlapping = good;  // both entries name the first's bytes
  const std::size_t first = overlapping.find("PK\x01\x02");
  const std::size_t offset = overlapping.rfind("PK\x01\x02") + 42;
  overlapping.replace(offset, 4, overlapping, first + 42, 4);
  overlapping.replace(offset + 4, 4, "aaab");
  CHECK(
      message(overlapping).find("has another name in its own header") !=
      std::string::npos);
}

TEST_CASE("An archive that cannot be written leaves the old one whole") {
  const testing::TempDir folder;
  const std::string path = (folder / "no/such/m.zip").string();
  ZipWriter writer;
  writer.add("a", std::string_view("text"));
  CHECK(message_of<SystemError>([&] {
          writer.save(path);
        }).find("open failed") != std::string::npos);
  ZipWriter broken;
  broken.add_file("a", (folder / "missing").string());
  testing::write_file(folder / "m.zip", "old");
  CHECK(message_of<SystemError>([&] {
          broken.save((folder / "m.zip").string());
        }).find("zip_close failed") != std::string::npos);
  CHECK(testing::read_file(folder / "m.zip") == "old");
  CHECK(
      std::distance(
          std::filesystem::directory_iterator(folder.path()),
          std::filesystem::directory_iterator{}) == 1);
}

}  // namespace keratin
