// plugin_run PLUGIN: a program that links libkeratin opens a plug-in and runs a
// graph on its backend: x * x with a variable of the device's in between.

#include <dlfcn.h>

#include <cstdio>
#include <string>
#include <vector>

#include <keratin/ops.hpp>

#include "src/runtime/plugin.hpp"

namespace {

int fail(const std::string& what) {
  std::fprintf(stderr, "plugin_run: %s\n", what.c_str());
  return 1;
}

}  // namespace

int main(int count, char** arguments) {
  using namespace keratin;
  if (count != 2) return fail("expected the plug-in's path");
  void* const library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) return fail(dlerror());
  const auto create = reinterpret_cast<Backend* (*)(int)>(
      dlsym(library, "keratin_plugin_create"));
  if (create == nullptr) return fail(dlerror());
  Backend* const backend = create(KERATIN_PLUGIN_API);
  if (backend == nullptr) return fail("no backend");

  Graph graph;
  const Value x = graph.parameter({DType::f32, {2, 2}}, "x");
  graph.set_outputs({x * x});
  const Tensor value(std::vector<float>{1, -2, 3, 0.5F}, {2, 2});
  std::vector<Tensor> outputs;
  backend->compile(std::move(graph), {})
      ->run(std::vector<Tensor>{value}, outputs);
  const Tensor expected(std::vector<float>{1, 4, 9, 0.25F}, {2, 2});
  if (outputs.size() != 1 || !(outputs[0] == expected)) {
    return fail("x * x is wrong");
  }

  const auto storage = backend->allocate(DType::f32, {2, 2});
  storage->upload(value);
  if (!(storage->download() == value)) return fail("a variable is lost");

  Graph other;
  const Value y = other.parameter({DType::f32, {2}}, "y");
  other.set_outputs({ops::exp(y)});
  for (const Node& node : other.nodes()) {
    if (node.op == Op::exp && backend->supports(other, node)) {
      return fail("it has no kernel for exp");
    }
  }
  std::printf("%s computes\n", std::string(backend->name()).c_str());
  return 0;
}
