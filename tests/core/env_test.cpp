#include "src/core/env.hpp"

#include <doctest/doctest.h>

#include <set>

#include <keratin/error.hpp>

#include "tests/support/throws.hpp"

namespace keratin {

using env::ScopedSetting;

TEST_CASE("every setting has a name of its own, a kind and a line of doc") {
  std::set<std::string_view> names;
  for (const env::Setting& setting : env::settings()) {
    CHECK(setting.name.substr(0, 8) == "KERATIN_");
    CHECK(names.insert(setting.name).second);
    CHECK_FALSE(setting.kind.empty());
    CHECK_FALSE(setting.doc.empty());
    CHECK_NOTHROW(env::raw(setting.name));
  }
  CHECK(names.size() == 13);
}

TEST_CASE("a scoped setting wins for its scope and nests") {
  const ScopedSetting outer("KERATIN_BACKEND", "reference");
  CHECK(env::backend() == "reference");
  {
    const ScopedSetting inner("KERATIN_BACKEND", "");
    CHECK_FALSE(env::backend().has_value());
  }
  CHECK(env::backend() == "reference");
}

TEST_CASE("lists are split at commas, empty items left out") {
  const ScopedSetting log("KERATIN_LOG", "info,,dispatch,");
  CHECK(env::log_channels() == std::vector<std::string>{"info", "dispatch"});
  const ScopedSetting passes("KERATIN_PASSES", "-fusion");
  CHECK(env::passes() == std::vector<std::string>{"-fusion"});
}

TEST_CASE("flags are 0 or 1 and nothing else") {
  const ScopedSetting on("KERATIN_CHECK_NAN", "1");
  const ScopedSetting bad("KERATIN_OFFLINE", "maybe");
  CHECK(env::check_nan());
  CHECK(testing::message_of<InvalidArgument>([] {
          env::offline();
        }) == "[KERATIN_OFFLINE] expected 0 or 1, got \"maybe\"");
}

TEST_CASE("a profile goes to standard error, to files, or nowhere") {
  {
    const ScopedSetting off("KERATIN_PROFILE", "0");
    CHECK(env::profile().empty());
  }
  const ScopedSetting some("KERATIN_PROFILE", "on,a/b.csv,trace.json");
  CHECK(
      env::profile() == std::vector<std::string>{"1", "a/b.csv", "trace.json"});
}

TEST_CASE("the thread count is a whole number of at least one") {
  {
    const ScopedSetting good("KERATIN_NUM_THREADS", "3");
    CHECK(env::num_threads() == 3);
  }
  for (const char* bad : {"0", "-1", "two", "2x", "1.5", "99999999999"}) {
    const ScopedSetting setting("KERATIN_NUM_THREADS", bad);
    CHECK_THROWS_AS(env::num_threads(), InvalidArgument);
  }
}

TEST_CASE("the memory limit is a number of bytes, kB, MB or GB") {
  const std::pair<const char*, std::int64_t> good[] = {
      {"123", 123}, {"2kB", 2000}, {"800MB", 800000000}, {"1.5GB", 1500000000}};
  for (const auto& entry : good) {
    CAPTURE(entry.first);
    const ScopedSetting setting("KERATIN_MEMORY_LIMIT", entry.first);
    CHECK(env::memory_limit() == entry.second);
  }
  for (const char* bad : {"-1", "2TB", "GB", "1 GB", "1e30", "nan"}) {
    CAPTURE(bad);
    const ScopedSetting setting("KERATIN_MEMORY_LIMIT", bad);
    CHECK_THROWS_AS(env::memory_limit(), InvalidArgument);
  }
}

TEST_CASE("the cache folder has a default and can be set") {
  {
    const ScopedSetting none("KERATIN_CACHE", "");
    CHECK(env::cache_dir().ends_with("/keratin"));
  }
  const ScopedSetting setting("KERATIN_CACHE", "somewhere");
  CHECK(env::cache_dir() == "somewhere");
}

TEST_CASE("an unknown setting is a mistake with a suggestion") {
  CHECK(
      testing::message_of<InvalidArgument>([] { env::raw("KERATIN_LOGS"); }) ==
      "[settings] expected a known setting, got KERATIN_LOGS; did you mean "
      "\"KERATIN_LOG\"?");
}

}  // namespace keratin
