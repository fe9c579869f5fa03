#include "src/runtime/profiler.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <keratin/backend.hpp>
#include <keratin/config.hpp>
#include <keratin/error.hpp>
#include <keratin/ops.hpp>

#include "src/core/env.hpp"
#include "src/ir/autodiff.hpp"
#include "src/runtime/profile_report.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "tests/support/throws.hpp"

using namespace keratin;

namespace {

/// A product in a layer and its gradient, run three times.
void run_step() {
  Graph g;
  const Value x = g.parameter({DType::f32, {2, 3}}, "x");
  const Value w = g.parameter({DType::f32, {3, 4}}, "w");
  {
    const LayerScope scope(g, "dense_1");
    const Value y = ops::matmul(x, w);
    g.set_outputs({y, gradients(ops::sum(ops::square(y)), {w})[0]});
  }
  Program program(g, find_backend("reference"), nullptr, {.name = "train"});
  const std::vector<Tensor> inputs = {
      Tensor(DType::f32, {2, 3}), Tensor(DType::f32, {3, 4})};
  for (int run = 0; run < 3; ++run) program.run(inputs);
}

/// What is printed while `run` runs.
template <class Run>
std::string printed(const Run& run) {
  std::ostringstream out;
  set_profile_stream(&out);
  run();
  set_profile_stream(nullptr);
  return out.str();
}

/// 3 ms a run: 1 forward and 1.5 backward in "dense", 0.5 in no kernel.
ProgramProfile example() {
  ProgramProfile profile;
  profile.name = "train";
  profile.runs = 2;
  profile.nanoseconds = 6000000;
  profile.rows.resize(2);
  ProfileRow& forward = profile.rows[0];
  forward.node = "%2";
  forward.op = "matmul";
  forward.kernel = "k.matmul";
  forward.shapes = "f32[2,3] f32[3,4] -> f32[2,4]";
  forward.origin = {"a \"dense\"", false};
  forward.flops = 5000000;
  forward.bytes = 2000000;
  forward.calls = 2;
  forward.nanoseconds = 2000000;
  forward.last_start = 1500;
  forward.last_nanoseconds = 1000000;
  profile.rows[1] = forward;
  profile.rows[1].origin.backward = true;
  profile.rows[1].details = "own layout, jit";
  profile.rows[1].nanoseconds = 3000000;
  return profile;
}

/// A folder of its own that goes with it.
struct Folder {
  Folder() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "profile_XXXXXX").string();
    path = ::mkdtemp(pattern.data());
  }

  ~Folder() { std::filesystem::remove_all(path); }

  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string path;
};

std::string text_of(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

TEST_CASE("KERATIN_PROFILE prints a program's layers and kernels at its end") {
  const env::ScopedSetting setting("KERATIN_PROFILE", "1");
  const std::string text = printed(run_step);
  CHECK(text.starts_with("train: "));
  // The first of three runs does not count.
  CHECK(text.find("ms a run (mean of 2), of it ") != std::string::npos);
  CHECK(text.find("\n  dense_1 ") != std::string::npos);
  CHECK(text.find("\n  matmul, reference.matmul ") != std::string::npos);
}

TEST_CASE("A profile's text sums layers and kernels, forward and backward") {
  CHECK(
      profile_text(example()) ==
      "train: 3.000 ms a run (mean of 2), of it 0.500 ms (16.7 %) in no "
      "kernel\n"
      "  layer      forward ms  backward ms    share   GFLOP/s     GB/s\n"
      "  a \"dense\"       1.000        1.500    83.3 %       4.0      1.6\n"
      "  op, kernel                          forward ms  backward ms    share "
      "  GFLOP/s     GB/s\n"
      "  matmul, k.matmul (own layout, jit)       0.000        1.500    50.0 % "
      "      3.3      1.3\n"
      "  matmul, k.matmul                         1.000        0.000    33.3 % "
      "      5.0      2.0\n");
}

TEST_CASE("A profile as CSV has a line for each kernel and one for the rest") {
  const std::vector<ProgramProfile> profiles = {example()};
  CHECK(
      profile_csv(profiles) ==
      "program,node,layer,pass,op,kernel,details,shapes,ms,percent,gflop_s,"
      "gb_s,flops,bytes,calls\n"
      "train,%2,\"a \"\"dense\"\"\",forward,matmul,k.matmul,,\"f32[2,3] "
      "f32[3,4] -> f32[2,4]\",1.0000,33.33,5.00,2.00,5000000,2000000,2\n"
      "train,%2,\"a \"\"dense\"\"\",backward,matmul,k.matmul,\"own layout, "
      "jit\",\"f32[2,3] f32[3,4] -> f32[2,4]\",1.5000,50.00,3.33,1.33,5000000,"
      "2000000,2\n"
      "train,,,forward,(no kernel),,,,0.5000,16.67,0.00,0.00,0,0,2\n");
}

TEST_CASE("A profile as a Chrome trace has an event for each kernel") {
  const std::vector<ProgramProfile> profiles = {example(), example()};
  const Config trace = Config::parse(profile_trace(profiles));
  const Config::Array& events = trace.at("traceEvents").as_array();
  REQUIRE(events.size() == 6);  // with the names of two threads
  CHECK(events[0].at("args").at("name").as_string() == "train");
  const Config& event = events[4];
  CHECK(event.at("name").as_string() == "a \"dense\": matmul");
  CHECK(event.at("cat").as_string() == "forward");
  CHECK(event.at("ph").as_string() == "X");
  CHECK(event.at("ts").as_number() == 1.5);
  CHECK(event.at("dur").as_number() == 1000.0);
  CHECK(event.at("tid").as_int() == 2);
  CHECK(events[5].at("cat").as_string() == "backward");
}

TEST_CASE("KERATIN_PROFILE writes files that grow with each program") {
  const Folder folder;
  const std::string table = folder.path + "/profile.csv";
  const std::string trace = folder.path + "/trace.json";
  const env::ScopedSetting setting("KERATIN_PROFILE", table + "," + trace);
  CHECK(printed(run_step).empty());
  const std::string once = text_of(table);
  CHECK(once.find("train,%2,dense_1,forward,matmul") != std::string::npos);
  CHECK(once.find(",dense_1,backward,matmul") != std::string::npos);
  const auto lines = [](const std::string& text) {
    return std::count(text.begin(), text.end(), '\n');
  };
  run_step();
  CHECK(lines(text_of(table)) == 2 * lines(once) - 1);
  CHECK(Config::parse(text_of(trace)).contains("traceEvents"));
}

TEST_CASE("Kernels and the rest account for the whole of a run") {
  const Folder folder;
  const std::string table = folder.path + "/profile.csv";
  {
    const env::ScopedSetting setting("KERATIN_PROFILE", table);
    run_step();
  }
  std::istringstream lines(text_of(table));
  std::string line;
  std::getline(lines, line);
  double percent = 0;
  while (std::getline(lines, line)) {
    // After the quoted shapes: ms, percent, ...
    const std::size_t quote = line.rfind('"');
    std::string rest = quote != std::string::npos
                           ? line.substr(quote + 2)
                           : line.substr(line.find(",,,,") + 4);
    percent += std::stod(rest.substr(rest.find(',') + 1));
  }
  CHECK(percent == doctest::Approx(100).epsilon(0.001));
}

TEST_CASE("set_profile goes before the setting") {
  const env::ScopedSetting setting("KERATIN_PROFILE", "1");
  const Folder folder;
  set_profile({folder.path + "/trace.json"});
  CHECK(printed(run_step).empty());
  CHECK_FALSE(text_of(folder.path + "/trace.json").empty());
  set_profile({});
  CHECK_FALSE(printed(run_step).empty());
  CHECK(
      testing::message_of<InvalidArgument>([] { set_profile({"a.txt"}); }) ==
      "[set_profile] expected 1, a FILE.csv or a FILE.json, got \"a.txt\"");
}

TEST_CASE("Nothing is written without the setting") {
  CHECK(printed(run_step).empty());
}
