#include "src/runtime/remembered_choices.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "src/core/env.hpp"
#include "tests/support/paths.hpp"

using namespace keratin;
namespace fs = std::filesystem;

namespace {

/// A cache folder of its own, and a process that has read nothing yet.
class Cache {
 public:
  Cache() { forget_remembered_choices(); }

  ~Cache() { forget_remembered_choices(); }

  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  fs::path file() const { return folder_ / "choices.json"; }

  std::string text() const {
    std::ifstream in(file(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  void write(const std::string& text) const {
    std::ofstream(file(), std::ios::binary) << text;
  }

  const fs::path& folder() const { return folder_.path(); }

 private:
  testing::TempDir folder_;
  env::ScopedSetting setting_{"KERATIN_CACHE", folder_.path().string()};
};

void choose(const std::string& name, const std::string& choice) {
  remembered_choices().set({"here", name, 32}, choice);
  save_remembered_choices();
}

std::optional<std::string> chosen(const std::string& name) {
  return remembered_choices().find({"here", name, 32});
}

}  // namespace

TEST_CASE("Choices outlive the process") {
  const Cache cache;
  CHECK(remembered_choices().empty());
  save_remembered_choices();
  CHECK_FALSE(fs::exists(cache.file()));  // nothing to keep
  choose("conv", "winograd");
  forget_remembered_choices();
  CHECK(chosen("conv") == "winograd");
}

TEST_CASE("What others have left in the meantime stays and comes first") {
  const Cache cache;
  remembered_choices().set({"here", "conv", 32}, "mine");
  cache.write(R"({"here": {"conv": {"32": "theirs"}, "pool": {"1": "a"}}})");
  choose("matmul", "plain");
  forget_remembered_choices();
  CHECK(chosen("conv") == "theirs");
  CHECK(chosen("matmul") == "plain");
  CHECK(remembered_choices().size() == 3);
}

TEST_CASE("A damaged file counts as none and is replaced") {
  for (const char* text :
       {"",
        "{",
        "[1]",
        R"({"here": 1})",
        R"({"here": {"conv": {"x": "a"}}})"}) {
    const Cache cache;
    cache.write(text);
    CHECK(remembered_choices().empty());
    choose("conv", "winograd");
    forget_remembered_choices();
    CHECK(chosen("conv") == "winograd");
  }
}

TEST_CASE("A folder that cannot be written harms nobody") {
  const Cache cache;
  const env::ScopedSetting nowhere(
      "KERATIN_CACHE", (cache.folder() / "file" / "below").string());
  std::ofstream(cache.folder() / "file") << "no folder";
  choose("conv", "winograd");
  CHECK(chosen("conv") == "winograd");
}

TEST_CASE("Several processes may keep choices at a time") {
  const Cache cache;
  constexpr int kProcesses = 4;
  constexpr int kEach = 10;
  for (int p = 0; p < kProcesses; ++p) {
    if (::fork() != 0) continue;
    for (int i = 0; i < kEach; ++i) {
      choose(std::to_string(p) + " " + std::to_string(i), "a");
    }
    ::_exit(0);
  }
  for (int p = 0; p < kProcesses; ++p) {
    int status = -1;
    ::wait(&status);
    CHECK(status == 0);
  }
  CHECK(remembered_choices().size() == kProcesses * kEach);
}
