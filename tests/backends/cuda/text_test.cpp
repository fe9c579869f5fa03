// The text of generated kernels, and passes of the backend: text in, text out.

#include "src/ir/text.hpp"

#include <doctest/doctest.h>

#include "src/backends/cuda/epilogues.hpp"
#include "src/backends/cuda/kernel_library.hpp"
#include "src/backends/cuda/kernel_source.hpp"
#include "tests/backends/cuda/programs.hpp"
#include "tests/backends/cuda/stand_in.hpp"
#include "tests/support/paths.hpp"

using namespace keratin;
using namespace keratin::cuda;
using namespace keratin::cuda::testing;

namespace {

std::string replace_all(
    std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos;
       at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

// The only kernel of a graph, its name left out.
std::string only_kernel(const char* graph) {
  const Kernels kernels = kernels_of(steps_of(parse_graph(graph)));
  REQUIRE(kernels.size() == 1);
  return replace_all(kernels[0]->text, kernels[0]->name, "NAME");
}

int count_ops(const Graph& graph, Op op) {
  int count = 0;
  for (const Node& node : graph.nodes()) count += node.op == op;
  return count;
}

}  // namespace

TEST_CASE("A chain reads each operand once and moves 16 bytes a time") {
  CHECK(only_kernel(R"(graph {
  %0 = parameter("x") : f32[4,6]
  %1 = parameter("b") : f32[6]
  %2 = add(%0, %1) : f32[4,6]
  %3 = tanh(%2) : f32[4,6]
  return %3
}
)") == R"(namespace NAME_ {
KT_FN void element(const f32 x0, const f32 x1, f32* y0) {
  const f32 u0 = up(x0);
  const f32 u1 = up(x1);
  const f32 v0 = op_add(u0, u1);
  const f32 v1 = op_tanh(v0);
  *y0 = convert<f32>(v1);
}
struct At1 {
  KT_MEMBER i64 operator()(i64 at) const {
    u32 i = u32(at);
    i64 to = 0;
    to += i64((i % u32(6))) * 1;
    i /= u32(6);
    return to;
  }
};
}
KT_KERNEL(256) NAME(const f32* p0, const f32* p1, f32* q0, i64 n) {
  constexpr i32 V = 4;
  const i64 packs = n / V;
  for (i64 pack = thread_number(); pack < packs; pack += thread_count()) {
    const Pack<f32, V> a0 = ((const Pack<f32, V>*)p0)[pack];
    Pack<f32, V> r0;
#pragma unroll
    for (i32 j = 0; j < V; ++j) {
      const i64 i = pack * V + j;
      (void)i;
      NAME_::element(a0.at[j], p1[NAME_::At1()(i)], &r0.at[j]);
    }
    ((Pack<f32, V>*)q0)[pack] = r0;
  }
  for (i64 i = packs * V + thread_number(); i < n; i += thread_count()) {
    NAME_::element(p0[i], p1[NAME_::At1()(i)], &q0[i]);
  }
}
)");
}

TEST_CASE("Indices take 64 bits from 2^31 elements on") {
  const std::int64_t many = std::int64_t{1} << 30;
  const std::string small = index_functor("At", {many, 1}, {1, 0});
  CHECK(small.find("at * 1") != std::string::npos);
  const std::string wide = index_functor("At", {many, 2}, {1, 0});
  CHECK(wide.find("i64 i = i64(at)") != std::string::npos);
  CHECK(
      index_functor("At", {many / 2, 2}, {1, 0}).find("u32 i = u32(at)") !=
      std::string::npos);
}

TEST_CASE("Equal kernels have equal names, others do not") {
  const auto one = make_kernel("k", {}, "KT_KERNEL(1) $(NAME)() {}");
  const auto same = make_kernel("k", {}, "KT_KERNEL(1) $(NAME)() {}");
  const auto other = make_kernel("k", {}, "KT_KERNEL(1) $(NAME)() { }");
  CHECK(one->name == same->name);
  CHECK(one->name != other->name);
}

TEST_CASE("A bias and a relu join the product before them") {
  const Graph graph = optimized(parse_graph(R"(graph {
  %0 = parameter("x") : f32[4,6]
  %1 = parameter("w") : f32[6,8]
  %2 = parameter("b") : f32[8]
  %3 = matmul(%0, %1) {transpose_a=false, transpose_b=false} : f32[4,8]
  %4 = add(%3, %2) : f32[4,8]
  %5 = relu(%4) : f32[4,8]
  return %5
}
)"));
  CHECK(count_ops(graph, Op::fused) == 1);
  CHECK(count_ops(graph, Op::matmul) == 0);
  CHECK(count_ops(graph, Op::relu) == 0);
}

TEST_CASE("A product that others read, or a sum of another shape, stays") {
  const Graph shared = optimized(parse_graph(R"(graph {
  %0 = parameter("x") : f32[4,6]
  %1 = parameter("w") : f32[6,8]
  %2 = parameter("b") : f32[8]
  %3 = matmul(%0, %1) {transpose_a=false, transpose_b=false} : f32[4,8]
  %4 = add(%3, %2) : f32[4,8]
  return %4, %3
}
)"));
  CHECK(count_ops(shared, Op::matmul) == 1);
  const Graph column = optimized(parse_graph(R"(graph {
  %0 = parameter("x") : f32[4,6]
  %1 = parameter("w") : f32[6,8]
  %2 = parameter("b") : f32[4,1]
  %3 = matmul(%0, %1) {transpose_a=false, transpose_b=false} : f32[4,8]
  %4 = add(%3, %2) : f32[4,8]
  return %4
}
)"));
  CHECK(count_ops(column, Op::matmul) == 1);
}

TEST_CASE("Images on disk are found again, and damaged ones are as none") {
  const keratin::testing::TempDir folder;
  KernelCache cache(folder.path() / "cuda");
  CHECK(!cache.load("key").has_value());
  const std::string image("an image\0with a zero", 20);
  cache.store("key", image);
  CHECK(cache.load("key") == image);
  const auto file = folder.path() / "cuda" / "key";
  const auto size = std::filesystem::file_size(file);
  for (std::uintmax_t left = 0; left < size; ++left) {
    std::filesystem::resize_file(file, left);
    CHECK(!cache.load("key").has_value());
    cache.store("key", image);
  }
  KernelCache nowhere("/proc/none/cuda");
  nowhere.store("key", image);  // a line of log
  CHECK(!nowhere.load("key").has_value());
}

TEST_CASE("An image that the driver refuses is compiled anew") {
  const auto kernel = make_kernel(
      "refused", {}, "KT_KERNEL(256) $(NAME)(i64 n) {\n  (void)n;\n}\n");
  const keratin::testing::TempDir folder;
  const Api& api = StandIn::get().api();
  for (int turn = 0; turn < 2; ++turn) {
    KernelLibrary library(api, 90, folder.path());
    library.prepare({kernel});
    CHECK(library.find(*kernel) != nullptr);
    // Whole, but of no use.
    std::string key;
    for (const auto& file :
         std::filesystem::directory_iterator(folder.path())) {
      key = file.path().filename();
    }
    KernelCache(folder.path()).store(key, "/none.so\nnothing");
  }
  bool refused = false;
  for (const Recorded& call : StandIn::get().calls()) {
    refused = refused || call.detail == "refused";
  }
  CHECK(refused);
}
