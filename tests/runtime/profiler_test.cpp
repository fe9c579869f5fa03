#include "src/runtime/profiler.hpp"

#include <doctest/doctest.h>

#include <sstream>

#include <keratin/ops.hpp>

#include "src/core/env.hpp"
#include "src/runtime/program.hpp"
#include "src/runtime/registry.hpp"

using namespace keratin;

TEST_CASE("KERATIN_PROFILE writes one line per kernel at a program's end") {
  const env::ScopedSetting setting("KERATIN_PROFILE", "1");
  std::ostringstream out;
  set_profile_stream(&out);
  {
    Graph g;
    const Value x = g.parameter({DType::f32, {2, 3}}, "x");
    const Value w = g.parameter({DType::f32, {3, 4}}, "w");
    const LayerScope scope(g, "dense_1");
    g.set_outputs({ops::matmul(x, w)});
    Program program(g, find_backend("reference"), nullptr, {.name = "predict"});
    const std::vector<Tensor> inputs = {
        Tensor(DType::f32, {2, 3}), Tensor(DType::f32, {3, 4})};
    program.run(inputs);
    program.run(inputs);
  }
  set_profile_stream(nullptr);
  std::istringstream lines(out.str());
  std::string header;
  std::string line;
  std::string rest;
  std::getline(lines, header);
  std::getline(lines, line);
  CHECK(header == "name,kernel,shapes,ms,bytes,layer,calls");
  CHECK(
      line.find("predict/%2,reference.matmul,\"f32[2,3] f32[3,4] -> "
                "f32[2,4]\",") == 0);
  CHECK(line.find(",104,dense_1,2") != std::string::npos);
  CHECK(!std::getline(lines, rest));
}

TEST_CASE("A profile quotes fields that hold commas or quotes") {
  std::ostringstream out;
  set_profile_stream(&out);
  {
    Profiler profiler("p");
    profiler.add({"%1", "k", "f32[2,3]", "a \"b\"", 8});
    profiler.add({"%2", "never", "", "", 0});
    profiler.count(0, 1500000);
    profiler.count(0, 500000);
  }
  set_profile_stream(nullptr);
  CHECK(
      out.str() ==
      "name,kernel,shapes,ms,bytes,layer,calls\n"
      "p/%1,k,\"f32[2,3]\",1.0000,8,\"a \"\"b\"\"\",2\n");
}

TEST_CASE("Nothing is written without the setting") {
  std::ostringstream out;
  set_profile_stream(&out);
  {
    Graph g;
    g.set_outputs({g.parameter({DType::f32, {2}}, "x") + 1});
    Program program(g, find_backend("reference"));
    program.run(std::vector<Tensor>{Tensor(DType::f32, {2})});
  }
  set_profile_stream(nullptr);
  CHECK(out.str().empty());
}
