#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <keratin/error.hpp>

#include "src/core/env.hpp"
#include "src/core/log.hpp"
#include "src/ir/text.hpp"
#include "src/passes/pass.hpp"
#include "tests/passes/pass_check.hpp"
#include "tests/support/files.hpp"
#include "tests/support/throws.hpp"

namespace keratin {
namespace {

using testing::graph_of;
using testing::message_of;
using testing::parameters;

bool has(const Graph& graph, Op op) {
  return std::any_of(
      graph.nodes().begin(), graph.nodes().end(), [&](const Node& node) {
        return node.op == op;
      });
}

/// -(-x), twice the same product, a chain of two, and one node nobody needs.
Graph example() {
  return graph_of(
      parameters("f32[4], f32[4]") +
      "%2 = negative(%0) : f32[4]\n%3 = negative(%2) : f32[4]\n"
      "%4 = multiply(%3, %1) : f32[4]\n%5 = multiply(%0, %1) : f32[4]\n"
      "%6 = add(%4, %5) : f32[4]\n%7 = sin(%6) : f32[4]\nreturn %6");
}

TEST_CASE("optimize runs all passes") {
  const Graph graph = optimize(example(), {});
  REQUIRE_EQ(graph.nodes().size(), 3);
  const Node& fused = graph.nodes().back();
  CHECK_EQ(fused.op, Op::fused);
  const Graph& body = fused.attrs.graph("body");
  CHECK_EQ(body.nodes().size(), 4);  // two parameters, one product, one sum
}

TEST_CASE("optimize leaves fusion out when told") {
  const Graph graph = optimize(example(), {.fuse = false});
  CHECK_FALSE(has(graph, Op::fused));
  CHECK(has(graph, Op::multiply));
}

TEST_CASE("optimize runs the backend's passes before fusion") {
  std::vector<std::string> seen;
  PipelineOptions options;
  options.backend_passes = {{"mine", [&](const Graph& graph) {
                               CHECK_FALSE(has(graph, Op::fused));
                               CHECK_FALSE(has(graph, Op::negative));
                               seen.push_back("mine");
                               return graph;
                             }}};
  optimize(example(), options);
  CHECK_EQ(seen, std::vector<std::string>{"mine"});
}

TEST_CASE("the verifier names the pass that breaks a graph") {
  PipelineOptions options;
  options.verify = true;
  options.backend_passes = {{"breaks", [](const Graph& graph) {
                               Graph broken = graph;
                               const ValueId output = broken.outputs()[0];
                               const Node& last =
                                   broken.node(broken.producer(output));
                               const_cast<Node&>(last).inputs[0] =
                                   output;  // of itself
                               return broken;
                             }}};
  const std::string message =
      message_of<InternalError>([&] { optimize(example(), options); });
  CAPTURE(message);
  CHECK(message.find("breaks") != std::string::npos);
  CHECK(message.find("before it is defined") != std::string::npos);
}

TEST_CASE("optimize decomposes what the backend declines") {
  PipelineOptions options;
  options.supports = [](const Graph&, const Node& node) {
    return node.op == Op::softmax ? Support::no("test") : Support::yes();
  };
  const Graph graph = optimize(
      graph_of(
          parameters("f32[2,3]") +
          "%1 = softmax(%0) {axis=1} : f32[2,3]\nreturn %1"),
      options);
  CHECK_FALSE(has(graph, Op::softmax));
}

TEST_CASE("KERATIN_PASSES leaves a pass out") {
  const env::ScopedSetting setting(
      "KERATIN_PASSES", "-simplify,-fuse_elementwise");
  const Graph graph = optimize(example(), {});
  CHECK(has(graph, Op::negative));
  CHECK_FALSE(has(graph, Op::fused));
  // Fusion that is off anyway is still a name.
  optimize(example(), {.fuse = false});
}

TEST_CASE("KERATIN_PASSES refuses names it does not know") {
  const auto message = [](const std::string& value) {
    const env::ScopedSetting setting("KERATIN_PASSES", value);
    return message_of<InvalidArgument>([] { optimize(example(), {}); });
  };
  CHECK_EQ(
      message("-simplfy"),
      "[KERATIN_PASSES] expected -name of a pass, got \"-simplfy\"; did you "
      "mean \"simplify\"?");
  CHECK_EQ(
      message("simplify"),
      "[KERATIN_PASSES] expected -name of a pass, got \"simplify\"; put a "
      "minus before it");
  CHECK_EQ(
      message("-simplify,-xyzzyxyzzy"),
      "[KERATIN_PASSES] expected -name of a pass, got \"-xyzzyxyzzy\"");
}

TEST_CASE("KERATIN_DUMP writes every stage of every graph") {
  namespace fs = std::filesystem;
  const fs::path folder = fs::temp_directory_path() / "keratin_pipeline_test";
  fs::remove_all(folder);
  {
    const env::ScopedSetting setting("KERATIN_DUMP", folder.string());
    optimize(example(), {});
    optimize(example(), {});
  }
  std::vector<fs::path> graphs;
  for (const auto& entry : fs::directory_iterator(folder)) {
    graphs.push_back(entry.path());
  }
  REQUIRE_EQ(graphs.size(), 2);
  const fs::path& graph = graphs[0];
  CHECK(fs::exists(graph / "00_build.dot"));
  CHECK(fs::exists(graph / "01_merge_scans.txt"));
  CHECK_EQ(testing::read_file(graph / "00_build.txt"), print(example()));
  fs::remove_all(folder);
}

TEST_CASE("KERATIN_DUMP says when it cannot write") {
  namespace fs = std::filesystem;
  const fs::path file = fs::temp_directory_path() / "keratin_pipeline_file";
  testing::write_file(file, "in the way");
  const env::ScopedSetting setting("KERATIN_DUMP", file.string());
  const std::string message =
      message_of<SystemError>([] { optimize(example(), {}); });
  CHECK(message.starts_with("[KERATIN_DUMP] making the folder "));
  fs::remove(file);
}

TEST_CASE("optimize goes into sub-graphs") {
  const Graph graph = optimize(
      graph_of(
          parameters("f32[], f32[5]") +
          "%2, %3 = scan(%0, %1) {body=graph {\n"
          "%0 = parameter(\"carry\") : f32[]\n"
          "%1 = parameter(\"x\") : f32[]\n"
          "%2 = negative(%0) : f32[]\n%3 = negative(%2) : f32[]\n"
          "%4 = sin(%3) : f32[]\n%5 = add(%4, %1) : f32[]\n"
          "%6 = cos(%5) : f32[]\nreturn %5, %5\n"
          "}, carries=1, xs=1, length=5, reverse=false} : f32[], f32[5]\n"
          "return %2, %3"),
      {});
  REQUIRE(has(graph, Op::scan));
  const Graph& body = graph.nodes().back().attrs.graph("body");
  CHECK_EQ(body.nodes().size(), 3);
  CHECK_EQ(body.nodes().back().op, Op::fused);
}

TEST_CASE("optimize logs what each pass changed") {
  const LogCapture log({"passes"});
  optimize(example(), {});
  CHECK(log.contains("eliminate_dead: "));
}

}  // namespace
}  // namespace keratin
