#include "tests/support/files.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <csignal>
#include <filesystem>
#include <string>

#include <keratin/error.hpp>

#include "src/io/atomic_file.hpp"
#include "src/io/gzip.hpp"
#include "src/io/mapped_file.hpp"
#include "src/io/sha256.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using testing::message_of;
using testing::read_file;

namespace {

std::ptrdiff_t entries_in(const std::filesystem::path& folder) {
  return std::distance(
      std::filesystem::directory_iterator(folder),
      std::filesystem::directory_iterator{});
}

std::string gzipped(const std::string& text) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, text.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace

TEST_CASE("An atomic file appears whole and keeps permissions") {
  const testing::TempDir folder;
  const auto path = folder / "f.txt";
  io::write_file(path.string(), io::as_bytes("new"));
  CHECK(read_file(path) == "new");
  ::chmod(path.c_str(), 0640);
  io::write_file(path.string(), io::as_bytes("newer"));
  CHECK(read_file(path) == "newer");

  struct stat info {};

  ::stat(path.c_str(), &info);
  CHECK((info.st_mode & 0777) == 0640);
  CHECK(entries_in(folder.path()) == 1);
}

TEST_CASE("An atomic file that is given up leaves nothing behind") {
  const testing::TempDir folder;
  const auto path = folder / "f.txt";
  testing::write_file(path, "old");
  {
    io::AtomicFile file(path.string());
    file.write("half of the n");
    CHECK(read_file(path) == "old");
  }
  CHECK(read_file(path) == "old");
  CHECK(entries_in(folder.path()) == 1);
}

TEST_CASE("A symbolic link is written through, not replaced") {
  const testing::TempDir folder;
  testing::write_file(folder / "real", "old");
  std::filesystem::create_symlink(folder / "real", folder / "link");
  io::write_file((folder / "link").string(), io::as_bytes("new"));
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(read_file(folder / "real") == "new");
}

TEST_CASE("What cannot be written says why") {
  const testing::TempDir folder;
  const std::string missing = (folder / "no/f.txt").string();
  CHECK(
      message_of<SystemError>([&] { io::AtomicFile file(missing); }) ==
      "[" + missing +
          "] open failed: No such file or directory; check that "
          "the folder " +
          (folder / "no").string() + " exists and can be written to");
  CHECK(message_of<SystemError>([&] {
          io::AtomicFile file(folder.path().string());
        }).find("got a folder of that name") != std::string::npos);
  CHECK(
      message_of<SystemError>([&] { io::AtomicFile file("/dev/full"); }) ==
      "[/dev/full] expected to write a regular file, got a device, socket or "
      "pipe of that name");
}

TEST_CASE("A full disk leaves the old file whole") {
  // In a child: a limit on file sizes stands for the full disk.
  const testing::TempDir folder;
  const auto path = folder / "f.bin";
  testing::write_file(path, "old");
  const ::pid_t child = ::fork();
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{4096, 4096};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    int code = 1;
    try {
      const std::string big(100000, 'x');
      io::write_file(path.string(), io::as_bytes(big));
    } catch (const SystemError& error) {
      const std::string what = error.what();
      code = what.find(
                 "write failed: File too large; what was there before "
                 "is unchanged") != std::string::npos
                 ? 0
                 : 2;
    }
    ::_exit(code);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(read_file(path) == "old");
  CHECK(entries_in(folder.path()) == 1);
}

TEST_CASE("A map outlives the replacement of its file") {
  const testing::TempDir folder;
  const auto path = folder / "f.txt";
  testing::write_file(path, "old");
  const io::SharedBytes map = io::map_file(path.string());
  io::write_file(path.string(), io::as_bytes("new"));
  CHECK(io::as_text(map.bytes) == "old");
  testing::write_file(folder / "empty", "");
  CHECK(io::map_file((folder / "empty").string()).bytes.empty());
}

TEST_CASE("A pipe is refused at once") {
  const testing::TempDir folder;
  const std::string path = (folder / "pipe").string();
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  CHECK(
      message_of<SystemError>([&] { io::map_file(path); }) ==
      "[" + path + "] expected a regular file, got a device, socket or pipe");
}

TEST_CASE("gzip data of several members unpack within a limit") {
  const std::string a = gzipped(std::string(100000, 'a'));
  const std::string b = gzipped("bc");
  const auto out = io::gunzip(io::as_bytes(a + b), 200000, "x");
  CHECK(io::as_text(out) == std::string(100000, 'a') + "bc");
  CHECK(message_of<InvalidArgument>([&] {
          io::gunzip(io::as_bytes(a), 99999, "x");
        }) == "x: expected at most 99999 bytes when unpacked, got more");
  CHECK(io::gunzip(io::as_bytes(a), 100000, "x").size() == 100000);
  CHECK(message_of<InvalidArgument>([&] {
          io::gunzip(io::as_bytes(b).first(b.size() - 3), 100, "x");
        }) == "x: compressed data ends too early");
  CHECK(message_of<InvalidArgument>([&] {
          io::gunzip(io::as_bytes("text"), 100, "x");
        }) == "x: expected gzip data, got other");
}

TEST_CASE("SHA-256 gives the standard's values") {
  CHECK(
      io::sha256_of(io::as_bytes("abc")) ==
      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(
      io::sha256_of({}) ==
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const std::string million(1000000, 'a');
  io::Sha256 pieces;
  for (std::size_t i = 0; i < million.size(); i += 999) {
    pieces.update(io::as_bytes(std::string_view(million).substr(i, 999)));
  }
  CHECK(
      pieces.finish() ==
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

}  // namespace keratin
