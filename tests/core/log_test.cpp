#include "src/core/log.hpp"

#include <doctest/doctest.h>

#include <thread>
#include <vector>

namespace keratin {

TEST_CASE("warnings always show, other channels only when asked for") {
  const LogCapture capture({"dispatch"});
  KERATIN_LOG(warning, "careful: {}", 1);
  KERATIN_LOG(dispatch, "{} won", "onednn");
  KERATIN_LOG(info, "quiet");
  REQUIRE(capture.lines().size() == 2);
  CHECK(capture.lines()[0].text == "careful: 1");
  CHECK(capture.lines()[1].channel == LogChannel::dispatch);
  CHECK(capture.contains("onednn won"));
  CHECK_FALSE(capture.contains("quiet"));
}

TEST_CASE("arguments of a channel that is off are not evaluated") {
  const LogCapture capture;
  int calls = 0;
  KERATIN_LOG(memory, "{}", ++calls);
  CHECK(calls == 0);
}

TEST_CASE("all shows every channel") {
  const LogCapture capture({"all"});
  KERATIN_LOG(train, "x");
  KERATIN_LOG(passes, "y");
  CHECK(capture.lines().size() == 2);
}

TEST_CASE("an unknown channel is a warning with the nearest name") {
  const LogCapture capture({"dispach"});
  CHECK(capture.contains("did you mean \"dispatch\"?"));
}

TEST_CASE("captures nest and give back the channels of before") {
  const LogCapture outer({"info"});
  {
    const LogCapture inner;
    KERATIN_LOG(info, "lost");
    KERATIN_LOG(warning, "inner");
    CHECK(inner.lines().size() == 1);
  }
  KERATIN_LOG(info, "kept");
  REQUIRE(outer.lines().size() == 1);
  CHECK(outer.lines()[0].text == "kept");
}

TEST_CASE("threads may log at the same time") {
  const LogCapture capture;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (int i = 0; i < 100; ++i) KERATIN_LOG(warning, "line {}", i);
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(capture.lines().size() == 400);
}

}  // namespace keratin
