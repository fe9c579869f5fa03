#include "src/io/download.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <keratin/error.hpp>

#include "src/core/env.hpp"
#include "src/io/sha256.hpp"
#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/skip.hpp"
#include "tests/support/throws.hpp"

namespace keratin {

using testing::message_of;

namespace {

/// range_server.py over a folder, for the time of a scope.
class Server {
 public:
  explicit Server(const std::filesystem::path& folder) {
    const std::string script =
        (testing::source_dir() / "tests/io/range_server.py").string();
    int in[2];
    int out[2];
    // Closed by exec, so that a server never holds the end that stops another.
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) return;
    child_ = ::fork();
    if (child_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      for (const int fd : {in[0], in[1], out[0], out[1]}) {
        if (fd > 2) ::close(fd);
      }
      ::execlp("python3", "python3", script.c_str(), folder.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    stop_ = in[1];
    // The line may come in pieces; closed before its end, it would kill the
    // server.
    std::string text;
    char c = 0;
    while (c != '\n' && ::read(out[0], &c, 1) == 1) text += c;
    ::close(out[0]);
    if (!text.empty()) port_ = std::stoi(text);
  }

  ~Server() {
    ::close(stop_);  // the server ends with its input
    ::waitpid(child_, nullptr, 0);
  }

  bool running() const { return port_ != 0; }

  std::string url(const std::string& path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + "/" + path;
  }

 private:
  ::pid_t child_ = -1;
  int stop_ = -1;
  int port_ = 0;
};

struct Fixture {
  testing::TempDir served;
  testing::TempDir cache;
  env::ScopedSetting cache_setting{"KERATIN_CACHE", cache.path().string()};
  env::ScopedSetting offline_setting{"KERATIN_OFFLINE", "0"};
  std::string content;
  std::string sum;
  Server server;

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

TEST_CASE("A damaged file in the cache is fetched again") {
  const Fixture f;
  SKIP_WITHOUT_SERVER(f);
  testing::write_file(f.cache / "data.bin", "damaged");
  CHECK(testing::read_file(io::fetch(f.download("data.bin"))) == f.content);
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
