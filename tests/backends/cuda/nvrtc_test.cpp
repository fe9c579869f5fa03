// Generated kernels compile with NVRTC, which needs no card, without spilling
// registers and without arrays in local memory.

#include <doctest/doctest.h>

#include <map>
#include <regex>
#include <sstream>

#include "src/backends/cuda/kernel_library.hpp"
#include "src/backends/cuda/kernels/kernels.hpp"
#include "src/core/format.hpp"
#include "src/ir/text.hpp"
#include "tests/backends/cuda/programs.hpp"
#include "tests/backends/op_case.hpp"
#include "tests/support/skip.hpp"

using namespace keratin;
using namespace keratin::cuda;
using namespace keratin::cuda::testing;
using keratin::testing::OpCase;
using keratin::testing::reference_cases;

namespace {

// What the compiler reports of a kernel.
struct Report {
  int stack_bytes = 0;
  int spilled_bytes = 0;
};

// "Function properties for NAME" and the line after it.
std::map<std::string, Report> reports_of(const std::string& log) {
  std::map<std::string, Report> reports;
  static const std::regex name(R"(Function properties for (\w+))");
  static const std::regex use(
      R"((\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes)");
  std::istringstream lines(log);
  std::string current;
  for (std::string line; std::getline(lines, line);) {
    std::smatch found;
    if (std::regex_search(line, found, name)) {
      current = found[1];
    } else if (std::regex_search(line, found, use) && !current.empty()) {
      reports[current] = {
          std::stoi(found[1]), std::stoi(found[2]) + std::stoi(found[3])};
    }
  }
  return reports;
}

const NvrtcApi* nvrtc(std::string& why) {
  static NvrtcApi api;
  static const std::string reason = load_nvrtc(api);
  why = reason;
  return reason.empty() ? &api : nullptr;
}

std::map<std::string, Report> compile_all(
    const NvrtcApi& api, const Kernels& kernels, int capability) {
  std::map<std::string, std::string> texts;
  for (const auto& kernel : kernels) texts[kernel->name] = kernel->text;
  KernelSource all;
  all.name = "all";
  for (const std::string_view family :
       {reduce_family(),
        norm_family(),
        index_family(),
        window_family(),
        random_family(),
        product_family()}) {
    all.text += family;
  }
  for (const auto& [name, text] : texts) all.text += text;
  const CompiledKernel compiled =
      compile_kernel(api, all, capability, {"--ptxas-options=-v"});
  CHECK(!compiled.image.empty());
  return reports_of(compiled.log);
}

// Functions whose slow paths for huge arguments keep a table on the stack.
bool may_use_stack(const std::string& name) {
  for (const char* stem :
       {"kt_sin_", "kt_cos_", "kt_tan_", "kt_random_normal_", "kt_fused_"}) {
    if (name.starts_with(stem)) return true;
  }
  return false;
}

void check_reports(
    const std::map<std::string, Report>& reports, std::size_t expected) {
  CHECK(reports.size() == expected);
  for (const auto& entry : reports) {
    const auto& name = entry.first;
    const auto& report = entry.second;
    CAPTURE(name);
    CHECK(report.spilled_bytes == 0);
    if (!may_use_stack(name)) CHECK(report.stack_bytes == 0);
  }
}

std::size_t distinct(const Kernels& kernels) {
  std::map<std::string_view, int> names;
  for (const auto& kernel : kernels) ++names[kernel->name];
  return names.size();
}

// One kernel of every stem that the cases of NumPy lead to, in f32 where there
// is one.
Kernels one_of_each() {
  std::map<std::string, std::shared_ptr<const KernelSource>> chosen;
  for (const OpCase& one : reference_cases()) {
    if (one.inputs.empty() || one.inputs[0].dtype() == DType::f64) continue;
    for (const auto& kernel : kernels_of(steps_of(parse_graph(one.graph)))) {
      const std::string stem = kernel->name.substr(0, kernel->name.rfind('_'));
      const bool single = one.inputs[0].dtype() == DType::f32;
      if (single || !chosen.contains(stem)) chosen[stem] = kernel;
    }
  }
  Kernels kernels;
  for (const auto& [stem, kernel] : chosen) kernels.push_back(kernel);
  return kernels;
}

}  // namespace

TEST_CASE("The kernels of a training step compile for sm_80, sm_90, sm_100") {
  std::string why;
  const NvrtcApi* api = nvrtc(why);
  if (api == nullptr) KERATIN_SKIP(why);
  const Perceptron model;
  const Kernels kernels = kernels_of(steps_of(model.step(true)));
  for (const int capability : {80, 90, 100}) {
    CAPTURE(capability);
    const auto reports = compile_all(*api, kernels, capability);
    CHECK(reports.size() == distinct(kernels));
    for (const auto& entry : reports) {
      const auto& name = entry.first;
      const auto& report = entry.second;
      CAPTURE(name);
      CHECK(report.spilled_bytes == 0);
      CHECK(report.stack_bytes == 0);
    }
  }
}

TEST_CASE("A kernel of every kind compiles for sm_90 without spills") {
  std::string why;
  const NvrtcApi* api = nvrtc(why);
  if (api == nullptr) KERATIN_SKIP(why);
  const Kernels kernels = one_of_each();
  CHECK(kernels.size() > 80);
  check_reports(compile_all(*api, kernels, 90), distinct(kernels));
}

// Minutes: test_backends_cuda --no-skip --test-case="Every kernel*"
TEST_CASE(
    "Every kernel of NumPy's cases compiles for sm_75 to sm_100" *
    doctest::skip()) {
  std::string why;
  const NvrtcApi* api = nvrtc(why);
  if (api == nullptr) KERATIN_SKIP(why);
  Kernels kernels;
  for (const OpCase& one : reference_cases()) {
    for (auto& kernel : kernels_of(steps_of(parse_graph(one.graph)))) {
      kernels.push_back(std::move(kernel));
    }
  }
  for (const int capability : {75, 80, 90, 100}) {
    CAPTURE(capability);
    CHECK(compile_all(*api, kernels, capability).size() == distinct(kernels));
  }
}
