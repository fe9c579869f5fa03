#include "src/io/download.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <keratin/error.hpp>

#include "src/core/env.hpp"
#include "src/io/md5.hpp"
#include "src/io/sha256.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/range_server.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using testing::message_of;

namespace {

struct Fixture {
  testing::TempDir served;
  testing::TempDir cache;
  env::ScopedSetting cache_setting{"KERATIN_CACHE", cache.path().string()};
  env::ScopedSetting offline_setting{"KERATIN_OFFLINE", "0"};
  std::string content;
  std::string sum;
  testing::RangeServer server;

  Fixture() : content(make_content()), sum(make_sum()), server(served.path()) {
    testing::write_file(served / "data.bin", content);
  }

  static std::string make_content() {
    std::string out;
    for (int i = 0; i < 200000; ++i) out += static_cast<char>(i * 7 % 251);
    return out;
  }

  std::string make_sum() const { return io::sha256_of(io::as_bytes(content)); }

  io::Download download(const std::string& path) const {
    return {.url = server.url(path), .name = "data.bin", .sha256 = sum};
  }
};

#define SKIP_WITHOUT_SERVER(fixture) \
  if (!(fixture).server.running()) KERATIN_SKIP("python3 cannot be started")

}  // namespace

TEST_CASE("A file is fetched once into the cache") {
  const Fixture f;
  SKIP_WITHOUT_SERVER(f);
  const std::string path = io::fetch(f.download("data.bin"));
  CHECK(path == (f.cache / "data.bin").string());
  CHECK(testing::read_file(path) == f.content);
  CHECK_FALSE(std::filesystem::exists(path + ".part"));
  // Now it is there, it needs neither the server nor the net.
  const env::ScopedSetting offline("KERATIN_OFFLINE", "1");
  CHECK(io::fetch(f.download("gone.bin")) == path);
}

TEST_CASE("An interrupted download goes on where it stopped") {
  const Fixture f;
  SKIP_WITHOUT_SERVER(f);
  CHECK(message_of<SystemError>([&] {
          io::fetch(f.download("cut/data.bin"));
        }).find("transfer failed") != std::string::npos);
  const auto part = f.cache / "data.bin.part";
  REQUIRE(std::filesystem::exists(part));
  CHECK(std::filesystem::file_size(part) == f.content.size() / 2);
  CHECK(testing::read_file(io::fetch(f.download("data.bin"))) == f.content);
}

TEST_CASE("A server without byte ranges is asked for the whole again") {
  const Fixture f;
  SKIP_WITHOUT_SERVER(f);
  testing::write_file(f.cache / "data.bin.part", f.content.substr(0, 1000));
  CHECK(
      testing::read_file(io::fetch(f.download("plain/data.bin"))) == f.content);
}

TEST_CASE("A stale part of another version is thrown away") {
  const Fixture f;
  SKIP_WITHOUT_SERVER(f);
  testing::write_file(f.cache / "data.bin.part", "something else");
  CHECK(testing::read_file(io::fetch(f.download("data.bin"))) == f.content);
  std::filesystem::remove(f.cache / "data.bin");
  testing::write_file(
      f.cache / "data.bin.part", std::string(f.content.size() + 10, 'x'));
  CHECK(testing::read_file(io::fetch(f.download("data.bin"))) == f.content);
}

TEST_CASE("A file that is not at its address leaves nothing in the cache") {
  const Fixture f;
  SKIP_WITHOUT_SERVER(f);
  CHECK(message_of<SystemError>([&] {
          io::fetch(f.download("gone.bin"));
        }).find("404") != std::string::npos);
  CHECK(std::filesystem::is_empty(f.cache.path()));
}

TEST_CASE("A damaged file in the cache is called that without the net") {
  const Fixture f;
  const env::ScopedSetting offline("KERATIN_OFFLINE", "1");
  CHECK(message_of<SystemError>([&] {
          io::fetch(f.download("data.bin"));
        }).find("data.bin: not in the cache") != std::string::npos);
  testing::write_file(f.cache / "data.bin", "damaged");
  const std::string message =
      message_of<SystemError>([&] { io::fetch(f.download("data.bin")); });
  INFO(message);
  CHECK(
      message.find(
          "in the cache " + f.cache.path().string() +
          ", but its checksum differs: expected SHA-256 " + f.sum + ", got ") !=
      std::string::npos);
  CHECK(message.find("KERATIN_OFFLINE forbids") != std::string::npos);
}

TEST_CASE("A damaged file in the cache is fetched again") {
  const Fixture f;
  SKIP_WITHOUT_SERVER(f);
  testing::write_file(f.cache / "data.bin", "damaged");
  CHECK(testing::read_file(io::fetch(f.download("data.bin"))) == f.content);
}

TEST_CASE("MD5 of RFC 1321") {
  const auto md5 = [](const std::string& text) {
    return io::md5_of(io::as_bytes(text));
  };
  CHECK(md5("") == "d41d8cd98f00b204e9800998ecf8427e");
  CHECK(md5("abc") == "900150983cd24fb0d6963f7d28e17f72");
  CHECK(
      md5("1234567890123456789012345678901234567890"
          "1234567890123456789012345678901234567890") ==
      "57edf4a22be3c955ac49da2e2107b67a");
  // Around the places where the padding needs one block more.
  CHECK(md5(std::string(55, 'a')) == "ef1772b6dff9a122358552954ad0df65");
  CHECK(md5(std::string(56, 'a')) == "3b0c8ac703f828b04c6c197006d17218");
  CHECK(md5(std::string(64, 'a')) == "014842d480b571495a4a0363793f7367");
}

TEST_CASE("A file may have an MD5 and lie in a subfolder of the cache") {
  const Fixture f;
  SKIP_WITHOUT_SERVER(f);
  io::Download download = f.download("data.bin");
  download.sha256.clear();
  download.md5 = io::md5_of(io::as_bytes(f.content));
  download.name = "models/data.bin";
  CHECK(testing::read_file(io::fetch(download)) == f.content);
  CHECK(std::filesystem::exists(f.cache / "models/data.bin"));
  download.md5 = std::string(32, '0');
  CHECK(message_of<SystemError>([&] {
          io::fetch(download);
        }).find("checksum differs: expected MD5 000") != std::string::npos);
}

TEST_CASE("Without a published checksum the server's word counts") {
  const Fixture f;
  SKIP_WITHOUT_SERVER(f);
  io::Download download = f.download("lies/data.bin");
  download.sha256.clear();
  CHECK(
      message_of<SystemError>([&] {
        io::fetch(download);
      }).find("checksum differs: expected MD5 (told by the server)") !=
      std::string::npos);
  CHECK_FALSE(std::filesystem::exists(f.cache / "data.bin.part"));
  download.url = f.server.url("told/data.bin");
  CHECK(testing::read_file(io::fetch(download)) == f.content);
  std::filesystem::remove(f.cache / "data.bin");
  download.url = f.server.url("data.bin");  // says nothing
  CHECK(testing::read_file(io::fetch(download)) == f.content);
  CHECK(message_of<SystemError>([&] {
          std::filesystem::remove(f.cache / "data.bin");
          download.url = f.server.url("cut/data.bin");
          io::fetch(download);
        }).find("transfer failed") != std::string::npos);
}

TEST_CASE("A redirection to another address is followed") {
  const Fixture f;
  SKIP_WITHOUT_SERVER(f);
  CHECK(testing::read_file(io::fetch(f.download("hop/data.bin"))) == f.content);
}

TEST_CASE("Progress ends with all there is") {
  const Fixture f;
  SKIP_WITHOUT_SERVER(f);
  io::Download download = f.download("data.bin");
  std::uint64_t done = 0;
  std::uint64_t of = 0;
  download.progress = [&](std::uint64_t now, std::uint64_t all) {
    CHECK(now >= done);
    done = now;
    of = all;
  };
  io::fetch(download);
  CHECK(done == f.content.size());
  CHECK(of == f.content.size());
}

TEST_CASE("A full disk is told, and nothing appears") {
  const Fixture f;
  SKIP_WITHOUT_SERVER(f);
  if (!std::filesystem::exists("/dev/full")) KERATIN_SKIP("no /dev/full");
  // Whatever is written to this device fails for want of space.
  std::filesystem::create_symlink("/dev/full", f.cache / "data.bin.part");
  const auto what =
      message_of<SystemError>([&] { io::fetch(f.download("data.bin")); });
  CAPTURE(what);
  CHECK(
      what.find("write failed: No space left on device") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(f.cache / "data.bin"));
}

TEST_CASE("A wrong checksum leaves nothing in the cache") {
  const Fixture f;
  SKIP_WITHOUT_SERVER(f);
  io::Download wrong = f.download("data.bin");
  wrong.sha256 = std::string(64, '0');
  const auto what = message_of<SystemError>([&] { io::fetch(wrong); });
  CAPTURE(what);
  CHECK(
      what.find("checksum differs: expected SHA-256 " + wrong.sha256) !=
      std::string::npos);
  CHECK(std::filesystem::is_empty(f.cache.path()));
}

TEST_CASE("Several threads that want the same file all get it") {
  const Fixture f;
  SKIP_WITHOUT_SERVER(f);
  std::vector<std::thread> threads;
  std::vector<int> good(4, 0);
  for (std::size_t i = 0; i < good.size(); ++i) {
    threads.emplace_back([&, i] {
      try {
        good[i] =
            testing::read_file(io::fetch(f.download("data.bin"))) == f.content;
      } catch (const Error&) {
        good[i] = -1;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(good == std::vector<int>{1, 1, 1, 1});
}

TEST_CASE("Addresses that lead elsewhere are refused") {
  const Fixture f;
  io::Download download{
      .url = "file:///etc/passwd", .name = "data.bin", .sha256 = f.sum};
  CHECK(
      message_of<InvalidArgument>([&] { io::fetch(download); }) ==
      "[download] expected an address that begins with http:// or https://, "
      "got 'file:///etc/passwd'");
  SKIP_WITHOUT_SERVER(f);
  CHECK(message_of<SystemError>([&] {
          io::fetch(f.download("away/data.bin"));
        }).find("transfer failed") != std::string::npos);
  CHECK(message_of<SystemError>([&] {
          io::fetch(f.download("nope.bin"));
        }).find("404") != std::string::npos);
}

TEST_CASE("A file larger than agreed is refused") {
  const Fixture f;
  SKIP_WITHOUT_SERVER(f);
  io::Download download = f.download("data.bin");
  download.max_bytes = 1000;
  CHECK(message_of<SystemError>([&] {
          io::fetch(download);
        }).find("expected at most 1000 bytes, got more") != std::string::npos);
}

TEST_CASE("KERATIN_OFFLINE forbids to fetch") {
  const Fixture f;
  const env::ScopedSetting offline("KERATIN_OFFLINE", "1");
  CHECK(message_of<SystemError>([&] {
          io::fetch(f.download("data.bin"));
        }).find("KERATIN_OFFLINE forbids") != std::string::npos);
}

}  // namespace keratin
