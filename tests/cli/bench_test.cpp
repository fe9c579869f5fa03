// keratin bench: what it prints and refuses, never how fast anything is.

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <string>

#include <keratin/config.hpp>
#include <keratin/data/examples.hpp>
#include <keratin/io/npy.hpp>

#include "tests/cli/run_program.hpp"
#include "tests/support/paths.hpp"

using keratin::Config;
using keratin::Tensor;
using keratin::testing::has;
using keratin::testing::Outcome;
using keratin::testing::run;
using keratin::testing::run_in;
using keratin::testing::TempDir;

namespace {

/// The object on the last line.
Config measured(const std::string& arguments) {
  const Outcome outcome = run("bench " + arguments + " --json");
  REQUIRE_EQ(outcome.code, 0);
  const std::string& text = outcome.text;
  const std::size_t begin = text.rfind('\n', text.size() - 2);
  return Config::parse(
      text.substr(begin == std::string::npos ? 0 : begin + 1), "bench");
}

}  // namespace

TEST_CASE("bench prints a step's time as text and as JSON") {
  const Outcome text = run("bench mlp --batch 4 --steps 2 --rounds 2");
  CHECK_EQ(text.code, 0);
  CHECK(has(text, "mlp, batch 4, float32"));
  CHECK(has(text, "a step takes"));
  const Config json = measured("mlp --batch 4 --steps 2 --rounds 2");
  CHECK_EQ(json.at("workload").as_string(), "mlp");
  CHECK_EQ(json.at("batch").as_int(), 4);
  CHECK_EQ(json.at("dtype").as_string(), "float32");
  CHECK_GE(json.at("threads").as_int(), 1);
  for (const char* key : {"first_step_s", "median_ms", "min_ms", "peak_mb"}) {
    CHECK_GT(json.at(key).as_number(), 0);
  }
  CHECK_GE(json.at("median_ms").as_number(), json.at("min_ms").as_number());
  CHECK(std::isfinite(json.at("loss").as_number()));
}

TEST_CASE("bench times predictions, one row at a time by default") {
  const Config json = measured("infer_lstm --steps 1 --rounds 1");
  CHECK_EQ(json.at("workload").as_string(), "infer_lstm");
  CHECK_EQ(json.at("batch").as_int(), 1);
  CHECK_GT(json.at("median_ms").as_number(), 0);
}

TEST_CASE("bench takes data, and the loss without dropout is theirs") {
  const TempDir folder;
  const Tensor x(std::vector<float>(3 * 784, 0.5F), {3, 784});
  const Tensor y(std::vector<std::int64_t>{1, 2, 3});
  keratin::io::save_npz(
      (folder.path() / "d.npz").string(), {{"x", x}, {"y", y}});
  const std::string arguments =
      "bench mlp --rounds 1 --no-dropout --data d.npz ";
  CHECK_EQ(run_in(folder.path(), arguments + "--batch 3 --json").code, 0);
  // Of the three rows one is a step; the rest is not trained on.
  const Outcome one =
      run_in(folder.path(), arguments + "--batch 1 --steps 1 --json");
  CHECK(has(one, "\"steps\": 1,"));
  const Outcome few = run_in(folder.path(), arguments + "--batch 4");
  CHECK_EQ(few.code, 2);
  CHECK(has(few, "expected at least a batch of 4 samples"));
  keratin::io::save_npz((folder.path() / "d.npz").string(), {{"x", x}});
  const Outcome none = run_in(folder.path(), arguments + "--batch 3");
  CHECK_EQ(none.code, 2);
  CHECK(has(none, "expected arrays x and y"));
}

TEST_CASE("bench shows where the time goes, as text and in files") {
  const TempDir folder;
  const Outcome shown = run_in(
      folder.path(),
      "bench mlp --batch 4 --steps 2 --rounds 2 --profile "
      "--profile-to profile.csv --profile-to trace.json --json");
  CHECK_EQ(shown.code, 0);
  CHECK(has(shown, "forward ms"));
  CHECK(has(shown, "op, kernel"));
  CHECK(has(shown, "\n  dense"));
  CHECK(has(shown, "in no kernel"));
  CHECK(std::filesystem::file_size(folder.path() / "profile.csv") > 100);
  CHECK(std::filesystem::file_size(folder.path() / "trace.json") > 100);
  CHECK(
      has(run("bench mlp --profile-to profile.txt"),
          "expected 1, a FILE.csv or a FILE.json"));
}

TEST_CASE("bench takes pictures of another size") {
  CHECK_EQ(
      run("bench resnet20 --batch 2 --steps 1 --rounds 1 --image-size 16").code,
      0);
  CHECK(
      has(run("bench mlp --image-size 16"), "expected a workload of pictures"));
}

TEST_CASE("bench names its workloads when there is no such one") {
  const Outcome outcome = run("bench resnet51");
  CHECK_EQ(outcome.code, 2);
  CHECK(has(outcome, "resnet50"));
  CHECK(has(outcome, "got 'resnet51'"));
  CHECK_EQ(run("bench").code, 2);
  CHECK_EQ(run("bench mlp --batch 0").code, 2);
  CHECK(has(run("bench mlp --dtype float99"), "float99"));
}
