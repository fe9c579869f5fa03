// bfloat16: what is computed in float32 and rounded, and what oneDNN computes.

#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "src/backends/cpu/compute_in_float.hpp"
#include "src/backends/cpu/fused_program.hpp"
#include "src/backends/cpu/onednn.hpp"
#include "src/backends/cpu/rows.hpp"
#include "src/ir/autodiff.hpp"
#include "src/ir/text.hpp"
#include "tests/backends/cpu_check.hpp"

namespace keratin {
namespace {

using testing::cpu_difference;
using Values = std::vector<Value>;

Graph graph_of(const std::string& text) {
  return parse_graph("graph {\n" + text + "\n}");
}

std::string after(const std::string& text, bool native) {
  return print(cpu::compute_in_float(graph_of(text), native));
}

std::string as_it_is(const std::string& text) {
  return print(graph_of(text));
}

ValueType bf16(Shape shape) {
  return {DType::bf16, std::move(shape)};
}

// A bfloat16 has eight significant bits.
constexpr double kPlace = 0x1p-8;

// -- the pass ----------------------------------------------------------------

TEST_CASE("What is bfloat16 is computed in float32 and rounded") {
  CHECK_EQ(
      after(
          "%0 = parameter(\"x\") : bf16[4]\n"
          "%1 = exp(%0) : bf16[4] @@dense\n"
          "%2 = reduce_sum(%1) {axes=[0], keepdims=false} : bf16[]\n"
          "%3 = less(%0, %1) : bool[4]\n"
          "return %2, %3",
          false),
      as_it_is("%0 = parameter(\"x\") : bf16[4]\n"
               "%1 = cast(%0) {dtype=f32} : f32[4] @@dense\n"
               "%2 = exp(%1) : f32[4] @@dense\n"
               "%3 = cast(%2) {dtype=bf16} : bf16[4] @@dense\n"
               "%4 = cast(%3) {dtype=f32} : f32[4]\n"
               "%5 = reduce_sum(%4) {axes=[0], keepdims=false} : f32[]\n"
               "%6 = cast(%5) {dtype=bf16} : bf16[]\n"
               "%7 = cast(%0) {dtype=f32} : f32[4]\n"
               "%8 = cast(%3) {dtype=f32} : f32[4]\n"
               "%9 = less(%7, %8) : bool[4]\n"
               "return %6, %9"));
}

TEST_CASE("What makes bfloat16 of nothing makes float32 and rounds it") {
  CHECK_EQ(
      after(
          "%0 = iota() {shape=[600], axis=0, dtype=bf16} : bf16[600]\n"
          "return %0",
          false),
      as_it_is("%0 = iota() {shape=[600], axis=0, dtype=f32} : f32[600]\n"
               "%1 = cast(%0) {dtype=bf16} : bf16[600]\n"
               "return %1"));
}

TEST_CASE("What only moves bfloat16, and other dtypes, stay") {
  const std::string text =
      "%0 = parameter(\"x\") : bf16[4,2]\n"
      "%1 = parameter(\"y\") : f32[4,2]\n"
      "%2 = transpose(%0) {permutation=[1, 0]} : bf16[2,4]\n"
      "%3 = reshape(%2) {shape=[8]} : bf16[8]\n"
      "%4 = exp(%1) : f32[4,2]\n"
      "%5 = cast(%4) {dtype=bf16} : bf16[4,2]\n"
      "return %3, %5";
  CHECK_EQ(after(text, false), as_it_is(text));
}

TEST_CASE("Products stay where the machine multiplies bfloat16") {
  const std::string text =
      "%0 = parameter(\"a\") : bf16[4,2]\n"
      "%1 = parameter(\"b\") : bf16[2,3]\n"
      "%2 = matmul(%0, %1) {transpose_a=false, transpose_b=false} : "
      "bf16[4,3]\n"
      "return %2";
  CHECK_EQ(after(text, true), as_it_is(text));
  CHECK_EQ(
      after(text, false),
      as_it_is("%0 = parameter(\"a\") : bf16[4,2]\n"
               "%1 = parameter(\"b\") : bf16[2,3]\n"
               "%2 = cast(%0) {dtype=f32} : f32[4,2]\n"
               "%3 = cast(%1) {dtype=f32} : f32[2,3]\n"
               "%4 = matmul(%2, %3) {transpose_a=false, transpose_b=false} : "
               "f32[4,3]\n"
               "%5 = cast(%4) {dtype=bf16} : bf16[4,3]\n"
               "return %5"));
}

// -- the rows ----------------------------------------------------------------

TEST_CASE("Casts to bfloat16 and back round as one number at a time") {
  std::vector<float> values = {
      0.0F,
      -0.0F,
      1.0F,
      std::numeric_limits<float>::infinity(),
      -std::numeric_limits<float>::infinity(),
      std::numeric_limits<float>::max(),
      std::numeric_limits<float>::denorm_min(),
      std::bit_cast<float>(0x7F800001U),  // NaN that truncation makes infinite
      std::bit_cast<float>(0xFFFFFFFFU),
      std::bit_cast<float>(0x3F808000U),  // ties
      std::bit_cast<float>(0x3F818000U)};
  for (std::uint32_t i = 0; i < 1000; ++i) {
    values.push_back(std::bit_cast<float>(i * 4294967U + 12345U));
  }
  const auto n = static_cast<std::int64_t>(values.size());
  std::vector<std::uint16_t> narrow(values.size());
  std::vector<float> wide(values.size());
  std::vector<float> through(values.size());
  cpu::bfloat16_row(DType::f32, DType::bf16)(
      narrow.data(), values.data(), nullptr, nullptr, n);
  cpu::bfloat16_row(DType::bf16, DType::f32)(
      wide.data(), narrow.data(), nullptr, nullptr, n);
  cpu::bfloat16_row(DType::f32, DType::f32)(
      through.data(), values.data(), nullptr, nullptr, n);
  for (std::size_t i = 0; i < values.size(); ++i) {
    CAPTURE(std::bit_cast<std::uint32_t>(values[i]));
    const BFloat16 expected(values[i]);
    CHECK_EQ(narrow[i], expected.bits);
    const auto bits =
        std::bit_cast<std::uint32_t>(static_cast<float>(expected));
    CHECK_EQ(std::bit_cast<std::uint32_t>(wide[i]), bits);
    CHECK_EQ(std::bit_cast<std::uint32_t>(through[i]), bits);
  }
}

TEST_CASE("A chain rounds after each op without leaving its registers") {
  const std::string text =
      "%0 = parameter(\"x\") : f32[640]\n"
      "%1 = fused(%0) {body=graph {\n"
      "%0 = parameter(\"x\") : f32[640]\n"
      "%1 = exp(%0) : f32[640]\n"
      "%2 = cast(%1) {dtype=bf16} : bf16[640]\n"
      "%3 = cast(%2) {dtype=f32} : f32[640]\n"
      "%4 = negative(%3) : f32[640]\n"
      "%5 = cast(%4) {dtype=bf16} : bf16[640]\n"
      "return %5\n}} : bf16[640]\nreturn %1";
  const Graph graph = graph_of(text);
  cpu::SweepProgram program;
  std::string why_not;
  REQUIRE(cpu::compile_sweep(graph, graph.nodes().back(), program, why_not));
  CHECK_EQ(program.instructions.size(), 4);  // exp, round, negative, cast
}

TEST_CASE("Element-wise ops, reductions and norms agree in bfloat16") {
  CHECK(
      cpu_difference(
          {bf16({40, 30}), bf16({30})},
          [](const Values& v) -> Values {
            const Value sum = v[0] + v[1];
            return {
                ops::exp(sum) * v[0],
                ops::where(ops::greater(sum, v[1]), sum, v[0]),
                ops::max(sum, {1})};
          },
          {.absolute = kPlace}) == "");
  CHECK(
      cpu_difference(
          {bf16({40, 30})},
          [](const Values& v) -> Values {
            return {ops::softmax(v[0]), ops::mean(v[0], {0})};
          },
          {.absolute = kPlace}) == "");
}

// -- oneDNN ------------------------------------------------------------------

TEST_CASE("Products of bfloat16 agree to their last place") {
  for (const bool transposed : {false, true}) {
    CAPTURE(transposed);
    const Shape b = transposed ? Shape{96, 200} : Shape{200, 96};
    CHECK(
        cpu_difference(
            {bf16({64, 200}), bf16(b)},
            [&](const Values& v) -> Values {
              const Value y =
                  ops::matmul(v[0], v[1], {.transpose_b = transposed});
              const Values grads = gradients(ops::sum(y * y), {v[0], v[1]});
              return {y, grads[0], grads[1]};
            },
            {.absolute = 2 * kPlace}) == "");
  }
}

TEST_CASE("Convolutions of bfloat16 and their gradients agree") {
  struct Case {
    Shape x, w;
    std::int64_t groups;
  };

  for (const Case& one :
       {Case{{2, 12, 12, 16}, {3, 3, 16, 32}, 1},
        Case{{2, 12, 12, 3}, {5, 5, 3, 16}, 1},
        Case{{2, 12, 12, 32}, {1, 1, 32, 32}, 1},
        Case{{2, 12, 12, 32}, {3, 3, 1, 32}, 32}}) {
    CAPTURE(one.w.str());
    CHECK(
        cpu_difference(
            {bf16(one.x), bf16(one.w)},
            [&](const Values& v) -> Values {
              const Value y = ops::conv(v[0], v[1], {}, one.groups);
              const Values grads = gradients(ops::sum(y * y), {v[0], v[1]});
              return {y, grads[0], grads[1]};
            },
            {.absolute = 2 * kPlace}) == "");
  }
}

// Each kind of primitive that died of SIGILL where AMX is half announced. Those
// that this machine has no kernels for are left out.
TEST_CASE("oneDNN's bfloat16 and int8 primitives run on this machine") {
  using Type = dnnl::memory::data_type;
  using Tag = dnnl::memory::format_tag;

  struct Types {
    Type x, w, y;
  };

  const dnnl::engine& engine = cpu::onednn_engine();
  dnnl::stream stream(engine);
  // By way of a reorder, which fills what a layout adds.
  const auto ones = [&](const dnnl::memory::desc& desc) {
    const dnnl::memory::dims dims = desc.dims();
    const dnnl::memory::desc plain(
        dims, Type::f32, dims.size() == 2 ? Tag::ab : Tag::abcd);
    dnnl::memory from(plain, engine);
    std::fill_n(
        static_cast<float*>(from.get_data_handle()),
        plain.get_size() / sizeof(float),
        1.0F);
    dnnl::memory to(desc, engine);
    dnnl::reorder(from, to).execute(stream, from, to);
    stream.wait();
    return to;
  };
  for (const Types& types :
       {Types{Type::bf16, Type::bf16, Type::f32},
        Types{Type::u8, Type::s8, Type::f32},
        Types{Type::s8, Type::s8, Type::f32}}) {
    CAPTURE(static_cast<int>(types.x));
    try {
      const dnnl::matmul::primitive_desc product(
          dnnl::matmul::desc(
              {{32, 64}, types.x, Tag::ab},
              {{64, 48}, types.w, Tag::any},
              {{32, 48}, types.y, Tag::ab}),
          engine);
      dnnl::memory y(product.dst_desc(), engine);
      dnnl::matmul(product).execute(
          stream,
          {{DNNL_ARG_SRC, ones(product.src_desc())},
           {DNNL_ARG_WEIGHTS, ones(product.weights_desc())},
           {DNNL_ARG_DST, y}});
      stream.wait();
      CHECK_EQ(*static_cast<const float*>(y.get_data_handle()), 64.0F);

      const dnnl::convolution_forward::primitive_desc conv(
          dnnl::convolution_forward::desc(
              dnnl::prop_kind::forward_inference,
              dnnl::algorithm::convolution_direct,
              {{2, 16, 8, 8}, types.x, Tag::any},
              {{32, 16, 3, 3}, types.w, Tag::any},
              {{2, 32, 6, 6}, types.y, Tag::any},
              {1, 1},
              {0, 0},
              {0, 0}),
          engine);
      dnnl::memory z(conv.dst_desc(), engine);
      dnnl::convolution_forward(conv).execute(
          stream,
          {{DNNL_ARG_SRC, ones(conv.src_desc())},
           {DNNL_ARG_WEIGHTS, ones(conv.weights_desc())},
           {DNNL_ARG_DST, z}});
      stream.wait();
      CHECK_EQ(*static_cast<const float*>(z.get_data_handle()), 144.0F);
    } catch (const dnnl::error& error) {
      CHECK_EQ(error.status, dnnl_unimplemented);
    }
  }
}

}  // namespace
}  // namespace keratin
