#include "src/runtime/registry.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include <keratin/error.hpp>

#include "src/core/env.hpp"
#include "tests/support/throws.hpp"

using namespace keratin;
using keratin::testing::message_of;

namespace {

// The default is the process's: every case leaves it as it was.
struct Restore {
  ~Restore() { set_backend(""); }
};

}  // namespace

TEST_CASE("Backends are found by name and live on") {
  Backend& backend = find_backend("reference");
  CHECK(backend.name() == "reference");
  CHECK(&find_backend("reference") == &backend);
  CHECK(!backend.devices().empty());
}

TEST_CASE("An unknown backend is refused with those there are") {
  const std::string message =
      message_of<InvalidArgument>([] { find_backend("refrence"); });
  CHECK(message.find("[backend refrence] expected one of ") == 0);
  CHECK(message.find("did you mean \"reference\"?") != std::string::npos);
}

TEST_CASE("A known backend that is not here says why") {
  const std::vector<BackendStatus> all = list_backends();
  const auto cuda = std::find_if(
      all.begin(), all.end(), [](const auto& b) { return b.name == "cuda"; });
  REQUIRE(cuda != all.end());
  CHECK(!cuda->detail.empty());
  if (cuda->available) return;
  const std::string message =
      message_of<InvalidArgument>([] { find_backend("cuda"); });
  CHECK(message == "[backend cuda] not available here: " + cuda->detail);
}

TEST_CASE("The list names the reference as available") {
  const std::vector<BackendStatus> all = list_backends();
  const auto found = std::find_if(all.begin(), all.end(), [](const auto& b) {
    return b.name == "reference";
  });
  REQUIRE(found != all.end());
  CHECK(found->available);
  CHECK(found->detail.find("reference: ") == 0);
}

TEST_CASE("The default backend follows set_backend and the setting") {
  const Restore restore;
  set_backend("reference");
  CHECK(default_backend().name() == "reference");
  set_backend("");
  {
    const env::ScopedSetting setting("KERATIN_BACKEND", "reference");
    CHECK(default_backend().name() == "reference");
  }
  {
    const env::ScopedSetting setting("KERATIN_BACKEND", "nonsense");
    CHECK_THROWS_AS(default_backend(), InvalidArgument);
  }
  CHECK_THROWS_AS(set_backend("nonsense"), InvalidArgument);
  {
    const env::ScopedSetting none("KERATIN_BACKEND", "");
    const env::ScopedSetting setting("KERATIN_DEVICE", "reference:0");
    CHECK(default_backend().name() == "reference");
  }
  {
    const env::ScopedSetting none("KERATIN_BACKEND", "");
    const env::ScopedSetting setting("KERATIN_DEVICE", "reference:1");
    CHECK_THROWS_AS(default_backend(), InvalidArgument);
  }
  const env::ScopedSetting unset("KERATIN_BACKEND", "");
  const std::string best = list_backends().front().name;
  CHECK(default_backend().name() == best);
}
