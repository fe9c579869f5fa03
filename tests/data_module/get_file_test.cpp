#include <doctest/doctest.h>
#include <zlib.h>

#include <filesystem>
#include <string>

#include <keratin/error.hpp>
#include <keratin/utils.hpp>

#include "src/core/env.hpp"
#include "src/data/tar.hpp"
#include "src/io/md5.hpp"
#include "src/io/sha256.hpp"
#include "src/io/zip.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/range_server.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/tar.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

namespace fs = std::filesystem;
using testing::message_of;
using testing::read_file;
using testing::tar_member;
using testing::write_file;
using utils::get_file;

namespace {

struct Web {
  testing::TempDir served;
  testing::TempDir cache;
  env::ScopedSetting cache_setting{"KERATIN_CACHE", cache.path().string()};
  env::ScopedSetting offline_setting{"KERATIN_OFFLINE", "0"};
  testing::RangeServer server{served.path()};

  /// Puts a file on the server and gets it.
  std::string get(
      const std::string& name,
      const std::string& content,
      utils::GetFileOptions options = {}) const {
    write_file(served / name, content);
    if (options.file_hash.empty()) {
      options.file_hash = io::sha256_of(io::as_bytes(content));
    }
    return get_file(server.url(name), options);
  }
};

std::string gzip(const std::string& text) {
  const testing::TempDir folder;
  const std::string path = (folder / "a.gz").string();
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  return read_file(path);
}

#define SKIP_WITHOUT_SERVER(web) \
  if (!(web).server.running()) KERATIN_SKIP("python3 cannot be started")

}  // namespace

TEST_CASE("A file of the web lies in the cache by its own name, or another") {
  const Web web;
  SKIP_WITHOUT_SERVER(web);
  const std::string path = web.get("a.txt", "hello");
  CHECK(path == (web.cache / "datasets/a.txt").string());
  CHECK(read_file(path) == "hello");
  const std::string md5 = io::md5_of(io::as_bytes(std::string("hello")));
  CHECK(
      web.get(
          "a.txt",
          "hello",
          {.fname = "b.txt", .file_hash = md5, .cache_subdir = "mine"}) ==
      (web.cache / "mine/b.txt").string());
  // What is there is not fetched again.
  fs::remove(web.served / "a.txt");
  CHECK(
      get_file(
          web.server.url("a.txt"),
          {.file_hash = io::sha256_of(io::as_bytes(std::string("hello")))}) ==
      path);
}

TEST_CASE("Archives are unpacked once, into a folder by Keras's name") {
  const Web web;
  SKIP_WITHOUT_SERVER(web);
  const std::string long_name =
      std::string(70, 'd') + "/" + std::string(70, 'f');
  const std::string pax =
      "151 path=" + long_name + "\n";  // its own length is in it
  const std::string tar = tar_member("flowers/", "", '5') +
                          tar_member("flowers/rose/1.txt", "red") +
                          tar_member("././@LongLink", long_name + '\0', 'L') +
                          tar_member("cut", "long") +
                          tar_member("pax", pax, 'x') +
                          tar_member("cut", "longer") + std::string(1024, '\0');
  const fs::path folder = web.get("flowers.tgz", gzip(tar), {.extract = true});
  CHECK(folder == web.cache / "datasets/flowers.tgz");
  CHECK(read_file(folder / "flowers/rose/1.txt") == "red");
  CHECK(read_file(folder / long_name) == "longer");
  write_file(folder / "flowers/rose/1.txt", "mine");
  web.get("flowers.tgz", gzip(tar), {.extract = true});
  CHECK(read_file(folder / "flowers/rose/1.txt") == "mine");
  CHECK(
      web.get("a.tar", tar, {.fname = "x", .extract = true}) ==
      (web.cache / "datasets/x").string());

  io::ZipWriter zip;
  zip.add("a/b.txt", std::string_view("zipped"));
  zip.save((web.served / "z.zip").string());
  const fs::path unzipped = get_file(
      web.server.url("z.zip"),
      {.fname = "z.zip",
       .file_hash =
           io::sha256_of(io::as_bytes(read_file(web.served / "z.zip"))),
       .extract = true});
  CHECK(unzipped == web.cache / "datasets/z_extracted");
  CHECK(read_file(unzipped / "a/b.txt") == "zipped");
}

TEST_CASE("Members outside the folder, links and damage leave no folder") {
  const Web web;
  SKIP_WITHOUT_SERVER(web);
  const auto error = [&](const std::string& name, const std::string& bytes) {
    return message_of<InvalidArgument>(
        [&] { web.get(name, bytes, {.extract = true}); });
  };
  CHECK(
      error("1.tar", tar_member("ok", "1") + tar_member("../out", "bad")) ==
      "[1.tar_archive] member '../out' would lie outside the folder, which "
      "is refused");
  CHECK(
      error("2.tar", tar_member("/tmp/out", "bad")).find("would lie outside") !=
      std::string::npos);
  CHECK(
      error("3.tar", tar_member("link", "", '2')) ==
      "[3.tar_archive] member 'link' is a link or a device, which is "
      "refused");
  CHECK(
      error("4.tar", tar_member("a", "1").substr(0, 512)).find("1 more byte") !=
      std::string::npos);
  CHECK(
      error("5.tar", "no archive")
          .starts_with("[5.tar_archive] expected a zip, tar or tar.gz archive "
                       "to extract, got a file that begins with 'no archi"));
  CHECK(
      error("6.tar", tar_member("x", "999 path=a\n", 'x'))
          .find("damaged extended header") != std::string::npos);
  int folders = 0;
  for (const auto& entry : fs::directory_iterator(web.cache / "datasets")) {
    if (entry.is_directory()) ++folders;
  }
  CHECK(folders == 0);
  CHECK_FALSE(fs::exists(web.cache / "datasets/out"));
}

TEST_CASE("Addresses, names and hashes that cannot be are refused") {
  const auto error = [](const std::string& origin,
                        const utils::GetFileOptions& options) {
    return message_of<InvalidArgument>([&] { get_file(origin, options); });
  };
  for (const char* origin :
       {"http://a.org", "http://a.org/", "http://a/?b/c"}) {
    CHECK(
        error(origin, {}) ==
        "[get_file] expected an address that ends in a file's name, got \"" +
            std::string(origin) + "\"; give fname");
  }
  CHECK(
      error("http://a.org/b", {.fname = "../c"}) ==
      "[get_file] expected fname to be a name, got the path '../c'");
  CHECK(
      error("http://a.org/b/..", {}) ==
      "[get_file] expected the name at origin to be a name, got the path "
      "'..'");
  CHECK(
      error("http://a.org/b", {.file_hash = "12"}) ==
      "[get_file] expected file_hash to be a SHA-256 of 64 digits or an MD5 of "
      "32, got 2 digits");
}

}  // namespace keratin
