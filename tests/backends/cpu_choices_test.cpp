// Which form of a node's kernel is taken: what was chosen before comes first.

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

#include <keratin/ops.hpp>

#include "src/core/env.hpp"
#include "src/core/log.hpp"
#include "src/runtime/choices.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"
#include "src/runtime/remembered_choices.hpp"
#include "tests/support/paths.hpp"

using namespace keratin;

namespace {

struct Run {
  Tensor result;
  std::string log;

  bool timed() const { return log.find(" takes ") != std::string::npos; }

  bool took(const std::string& choice) const {
    return log.find(choice + " as chosen before") != std::string::npos;
  }
};

/// A process that knows of none before it.
class FreshProcess {
 public:
  FreshProcess() { forget_remembered_choices(); }

  ~FreshProcess() { forget_remembered_choices(); }

  FreshProcess(const FreshProcess&) = delete;
  FreshProcess& operator=(const FreshProcess&) = delete;

 private:
  testing::TempDir folder_;
  env::ScopedSetting cache_{"KERATIN_CACHE", folder_.path().string()};
};

/// x [rows, 128] times w [128, width], compiled with these options.
Run multiply(
    std::int64_t rows, std::int64_t width, const CompileOptions& options) {
  Graph graph;
  const Value x = graph.parameter({DType::f32, {rows, 128}}, "x");
  const Value w = graph.parameter({DType::f32, {128, width}}, "w");
  graph.set_outputs({ops::matmul(x, w)});
  const LogCapture log({"dispatch"});
  Program program(graph, find_backend("cpu"), nullptr, options);
  Run run;
  for (const LogLine& line : log.lines()) run.log += line.text + "\n";
  run.result = program.run(std::vector<Tensor>{
      Tensor::full(DType::f32, {rows, 128}, 0.5),
      Tensor::full(DType::f32, {128, width}, 2)})[0];
  return run;
}

CompileOptions with(const std::shared_ptr<Choices>& choices) {
  CompileOptions options;
  options.choices = choices;
  return options;
}

/// The one work among the choices, with its place.
struct Only {
  std::string place, name;
  Config sizes;
};

Only only(const Choices& choices) {
  const Config all = choices.to_config();
  REQUIRE(all.size() == 1);
  const auto& [place, works] = all.as_object()[0];
  REQUIRE(works.size() == 1);
  const auto& [name, sizes] = works.as_object()[0];
  return {place, name, sizes};
}

}  // namespace

TEST_CASE("What is timed is noted and taken again, whatever was faster") {
  const FreshProcess fresh;
  const auto choices = std::make_shared<Choices>();
  const Run first = multiply(256, 97, with(choices));
  CHECK(first.timed());
  CHECK(first.result == Tensor::full(DType::f32, {256, 97}, 128));
  const Only made = only(*choices);
  CHECK(made.place.find("oneDNN") != std::string::npos);
  CHECK(made.name == "matmul (N, 128) (128, 97)");
  REQUIRE(made.sizes.contains("256"));
  const std::string winner = made.sizes.at("256").as_string();

  CHECK_FALSE(multiply(256, 97, with(choices)).timed());
  // Another model of the process does not time it again, but notes it.
  const auto others = std::make_shared<Choices>();
  CHECK(multiply(256, 97, with(others)).took(winner));
  CHECK(others->to_config() == choices->to_config());
  // What a file says comes before what this process found.
  const std::string loser = winner == "plain" ? "packed b" : "plain";
  const auto file = std::make_shared<Choices>();
  file->set({made.place, made.name, 256}, loser);
  const Run resumed = multiply(256, 97, with(file));
  CHECK(resumed.took(loser));
  CHECK(resumed.result == first.result);
}

TEST_CASE("A partial batch takes the full batch's choice") {
  const FreshProcess fresh;
  const auto choices = std::make_shared<Choices>();
  multiply(256, 95, with(choices));
  const Only made = only(*choices);
  const std::string winner = made.sizes.at("256").as_string();
  const std::string loser = winner == "plain" ? "packed b" : "plain";

  const auto full = std::make_shared<Choices>();
  full->set({made.place, made.name, 256}, loser);
  CompileOptions options = with(full);
  options.partial_batch = true;
  const Run partial = multiply(100, 95, options);
  CHECK_FALSE(partial.timed());
  CHECK(partial.took(loser));
  CHECK(partial.result == Tensor::full(DType::f32, {100, 95}, 128));
  // Even a batch so small that nothing would be timed.
  CHECK(multiply(2, 95, options).took(loser));
  // A run goes on the same way: noted under its own size.
  CHECK(only(*full).sizes.at("100") == Config(loser));

  // A whole batch of that size is timed on its own.
  const auto own = std::make_shared<Choices>();
  own->set({made.place, made.name, 256}, loser);
  CHECK(multiply(101, 95, with(own)).timed());
}

TEST_CASE("A choice that no kernel knows is timed anew") {
  const FreshProcess fresh;
  const auto choices = std::make_shared<Choices>();
  multiply(256, 93, with(choices));
  const Only made = only(*choices);
  const auto wrong = std::make_shared<Choices>();
  wrong->set({made.place, made.name, 255}, "a way of another version");
  CompileOptions options = with(wrong);
  options.partial_batch = true;
  const Run run = multiply(254, 93, options);
  CHECK(run.timed());
  CHECK(run.result == Tensor::full(DType::f32, {254, 93}, 128));
}

TEST_CASE("Deterministic programs heed no choices") {
  const FreshProcess fresh;
  const auto choices = std::make_shared<Choices>();
  multiply(256, 91, with(choices));
  const Only made = only(*choices);
  const auto file = std::make_shared<Choices>();
  file->set({made.place, made.name, 256}, "packed b");
  CompileOptions options = with(file);
  options.deterministic = true;
  const Run run = multiply(256, 91, options);
  CHECK_FALSE(run.timed());
  CHECK_FALSE(run.took("packed b"));
}

TEST_CASE("A later process takes what an earlier one timed") {
  const FreshProcess fresh;
  CHECK(multiply(256, 89, {}).timed());
  CHECK_FALSE(multiply(256, 89, {}).timed());
  forget_remembered_choices();
  CHECK_FALSE(multiply(256, 89, {}).timed());
}
