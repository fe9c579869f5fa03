#include <utility>

#include "src/ir/graph.hpp"
#include "tests/ir/gradient_check.hpp"

namespace keratin::testing {

namespace {

using Values = std::vector<Value>;

struct ConvCase {
  std::string what;
  Shape x;  // [n, spatial..., c]
  Shape w;  // [kernel..., c / groups, f]
  ops::Window window;
  std::int64_t groups = 1;
};

Attrs window_attrs(const ops::Window& window) {
  return {
      {"strides", window.strides},
      {"pad_low", window.pad_low},
      {"pad_high", window.pad_high},
      {"dilation", window.dilation}};
}

std::vector<ConvCase> conv_cases() {
  return {
      {"plain, one channel", {1, 4, 3, 1}, {2, 2, 1, 1}, {}},
      {"1-D", {2, 5, 2}, {3, 2, 3}, {}},
      {"3-D", {1, 2, 3, 2, 2}, {2, 2, 1, 2, 2}, {}},
      {"strides that leave a rest",
       {1, 6, 5, 2},
       {3, 2, 2, 2},
       {.strides = {2, 3}}},
      {"padding on one side",
       {2, 3, 4, 1},
       {2, 3, 1, 2},
       {.pad_low = {1, 0}, .pad_high = {0, 2}}},
      {"dilation", {1, 6, 5, 1}, {3, 2, 1, 2}, {.dilation = {2, 3}}},
      {"strides, dilation and padding",
       {1, 7, 6, 2},
       {2, 3, 2, 1},
       {.strides = {2, 2},
        .pad_low = {1, 1},
        .pad_high = {0, 2},
        .dilation = {3, 1}}},
      {"two groups", {1, 3, 4, 4}, {2, 2, 2, 6}, {.strides = {1, 2}}, 2},
      {"depthwise", {2, 4, 3, 3}, {2, 2, 1, 3}, {.pad_low = {1, 1}}, 3},
      {"a kernel of one element", {2, 2, 3, 2}, {1, 1, 2, 3}, {}},
  };
}

void add_conv(std::vector<GradientRow>& rows, const ConvCase& c) {
  rows.push_back(
      {Op::conv,
       c.what,
       {spread(c.x), spread(c.w)},
       [c](const Values& v) -> Values {
         return {ops::conv(v[0], v[1], c.window, c.groups)};
       }});
  // The shape of the result, from a graph of its own.
  Graph graph;
  const Shape y = ops::conv(
                      graph.parameter({DType::f64, c.x}, "x"),
                      graph.parameter({DType::f64, c.w}, "w"),
                      c.window,
                      c.groups)
                      .shape();
  rows.push_back(
      {Op::conv_backward_data,
       c.what,
       {spread(y), spread(c.w)},
       [c](const Values& v) -> Values {
         return {ops::conv_backward_data(v[0], v[1], c.x, c.window, c.groups)};
       }});
  rows.push_back(
      {Op::conv_backward_weights,
       c.what,
       {spread(c.x), spread(y)},
       [c](const Values& v) -> Values {
         return {
             ops::conv_backward_weights(v[0], v[1], c.w, c.window, c.groups)};
       }});
}

struct PoolCase {
  std::string what;
  Shape x;
  Ints size;
  ops::Window window;  // in full: the *_grad ops take it as attributes
};

std::vector<PoolCase> pool_cases() {
  return {
      {"1-D, overlapping", {2, 5, 2}, {3}, {{1}, {0}, {0}, {1}}},
      {"2-D", {1, 4, 5, 2}, {2, 2}, {{2, 2}, {0, 0}, {0, 0}, {1, 1}}},
      {"padding on one side",
       {1, 3, 4, 2},
       {2, 3},
       {{1, 2}, {1, 0}, {0, 2}, {1, 1}}},
      {"dilation", {1, 5, 6, 1}, {2, 3}, {{2, 1}, {0, 1}, {0, 0}, {3, 2}}},
      {"3-D",
       {1, 3, 2, 3, 1},
       {2, 2, 2},
       {{1, 1, 1}, {0, 0, 1}, {0, 0, 0}, {1, 1, 1}}},
  };
}

void add_pool(std::vector<GradientRow>& rows, const PoolCase& c) {
  Graph graph;
  const Shape y =
      ops::max_pool(graph.parameter({DType::f64, c.x}, "x"), c.size, c.window)
          .shape();
  rows.push_back(
      {Op::max_pool, c.what, {spread(c.x)}, [c](const Values& v) -> Values {
         return {ops::max_pool(v[0] * v[0], c.size, c.window)};
       }});
  rows.push_back(
      {Op::average_pool, c.what, {spread(c.x)}, [c](const Values& v) -> Values {
         return {ops::average_pool(v[0] * v[0], c.size, c.window)};
       }});
  rows.push_back(
      {Op::max_pool_grad,
       c.what,
       {spread(c.x), spread(y)},
       [c](const Values& v) -> Values {
         Attrs attrs = window_attrs(c.window);
         attrs.set("size", c.size);
         return {
             v[0].graph().add1(Op::max_pool_grad, {v[0], v[1] * v[1]}, attrs)};
       }});
  rows.push_back(
      {Op::average_pool_grad,
       c.what,
       {spread(y)},
       [c](const Values& v) -> Values {
         Attrs attrs = window_attrs(c.window);
         attrs.set("size", c.size);
         attrs.set("shape", c.x.dims());
         return {
             v[0].graph().add1(Op::average_pool_grad, {v[0] * v[0]}, attrs)};
       }});
}

GradientRow matmul(
    std::string what,
    const Shape& a,
    const Shape& b,
    ops::MatmulOptions options = {}) {
  return {
      Op::matmul,
      std::move(what),
      {spread(a), spread(b)},
      [options](const Values& v) -> Values {
        return {ops::matmul(v[0], v[1], options)};
      }};
}

GradientRow einsum(
    const std::string& equation, const Shape& a, const Shape& b) {
  return {
      Op::matmul,
      "einsum " + equation,
      {spread(a), spread(b)},
      [equation](const Values& v) -> Values {
        return {ops::einsum(equation, {v[0], v[1]})};
      }};
}

}  // namespace

std::vector<GradientRow> matmul_rows() {
  return {
      matmul("plain", {2, 3}, {3, 4}),
      matmul("a transposed", {3, 2}, {3, 4}, {.transpose_a = true}),
      matmul("b transposed", {2, 3}, {4, 3}, {.transpose_b = true}),
      matmul("both transposed", {3, 2}, {4, 3}, {true, true}),
      matmul("batches", {2, 2, 3}, {2, 3, 2}),
      matmul("one batch of b for all of a", {2, 2, 3}, {3, 2}),
      matmul("one batch of a for all of b", {2, 3}, {2, 3, 2}),
      matmul("batches that broadcast", {2, 1, 2, 3}, {3, 3, 2}),
      matmul(
          "broadcast, both transposed", {2, 1, 3, 2}, {3, 2, 3}, {true, true}),
      matmul("vector times matrix", {3}, {3, 2}),
      matmul("matrix times vector", {2, 3}, {3}),
      matmul("vector times vector", {3}, {3}),
      einsum("ab,bc->ac", {2, 3}, {3, 2}),
      einsum("abc,cd->abd", {2, 2, 3}, {3, 2}),
      einsum("...x,xy->...y", {2, 2, 3}, {3, 2}),
      einsum("bthd,bshd->bhts", {1, 2, 2, 3}, {1, 3, 2, 3}),
      {Op::matmul,
       "tensordot over two pairs",
       {spread({2, 3, 2}), spread({3, 4, 2})},
       [](const Values& v) -> Values {
         return {ops::tensordot(v[0], v[1], {1, 2}, {0, 2})};
       }},
  };
}

std::vector<GradientRow> window_rows() {
  std::vector<GradientRow> rows;
  for (const ConvCase& c : conv_cases()) add_conv(rows, c);
  for (const PoolCase& c : pool_cases()) add_pool(rows, c);
  return rows;
}

std::vector<GradientRow> network_rows() {
  const Tensor classes = integers({2, 0, 1, 3}, {2, 2});
  return {
      {Op::softmax,
       "last axis",
       {spread({2, 4}, -2, 2)},
       [](const Values& v) -> Values { return {ops::softmax(v[0])}; }},
      {Op::softmax,
       "middle axis",
       {spread({2, 3, 2}, -2, 2)},
       [](const Values& v) -> Values { return {ops::softmax(v[0], 1)}; }},
      {Op::log_softmax,
       "last axis",
       {spread({2, 4}, -2, 2)},
       [](const Values& v) -> Values { return {ops::log_softmax(v[0])}; }},
      {Op::log_softmax,
       "first axis",
       {spread({3, 2}, -2, 2)},
       [](const Values& v) -> Values { return {ops::log_softmax(v[0], 0)}; }},
      {Op::softmax_cross_entropy,
       "labels that sum to anything",
       {spread({2, 2, 4}, -2, 2), spread({2, 2, 4}, 0.1, 1)},
       [](const Values& v) -> Values {
         return {ops::softmax_cross_entropy(v[0], v[1])};
       }},
      {Op::sparse_softmax_cross_entropy,
       "two leading axes",
       {spread({2, 2, 4}, -2, 2), classes},
       [](const Values& v) -> Values {
         return {ops::sparse_softmax_cross_entropy(v[0], v[1])};
       }},
      {Op::batch_norm_training,
       "y only",
       {spread({2, 3, 2}), spread({2}, 0.5, 2), spread({2})},
       [](const Values& v) -> Values {
         return {ops::batch_norm_training(v[0], v[1], v[2], 0.1).y};
       }},
      {Op::batch_norm_training,
       "all results",
       {spread({5, 3}), spread({3}, 0.5, 2), spread({3})},
       [](const Values& v) -> Values {
         const auto r = ops::batch_norm_training(v[0], v[1], v[2], 0.1);
         return {r.y, r.mean, r.variance};
       }},
      {Op::batch_norm_grad,
       "statistics apart from x",
       {spread({4, 2}),
        spread({2}, 0.5, 2),
        spread({2}),
        spread({2}, 0.5, 2),
        spread({4, 2}, -1, 2)},
       [](const Values& v) -> Values {
         return v[0].graph().add(Op::batch_norm_grad, v, {{"epsilon", 0.1}});
       }},
      {Op::batch_norm_inference,
       "all operands",
       {spread({2, 2, 3}),
        spread({3}, 0.5, 2),
        spread({3}),
        spread({3}),
        spread({3}, 0.5, 2)},
       [](const Values& v) -> Values {
         return {ops::batch_norm_inference(v[0], v[1], v[2], v[3], v[4], 0.1)};
       }},
      {Op::layer_norm,
       "y only",
       {spread({2, 2, 4}), spread({4}, 0.5, 2), spread({4})},
       [](const Values& v) -> Values {
         return {ops::layer_norm(v[0], v[1], v[2], 0.1)};
       }},
      {Op::layer_norm,
       "all results",
       {spread({3, 4}), spread({4}, 0.5, 2), spread({4})},
       [](const Values& v) -> Values {
         return v[0].graph().add(Op::layer_norm, v, {{"epsilon", 0.1}});
       }},
      {Op::layer_norm_grad,
       "statistics apart from x",
       {spread({2, 3}),
        spread({3}, 0.5, 2),
        spread({2}),
        spread({2}, 0.5, 2),
        spread({2, 3}, -1, 2)},
       [](const Values& v) -> Values {
         return v[0].graph().add(Op::layer_norm_grad, v);
       }},
      {Op::attention,
       "y only",
       {spread({2, 3, 2, 2}), spread({2, 4, 2, 2}), spread({2, 4, 2, 3})},
       [](const Values& v) -> Values {
         return {ops::dot_product_attention(v[0], v[1], v[2], 0.7)};
       }},
      {Op::attention,
       "masked",
       {spread({2, 3, 2, 2}), spread({2, 4, 2, 2}), spread({2, 4, 2, 3})},
       [](const Values& v) -> Values {
         Graph& graph = v[0].graph();
         const Value earlier = ops::greater_equal(
             ops::iota(graph, {1, 1, 3, 1}, 2, DType::i32),
             ops::iota(graph, {1, 1, 1, 4}, 3, DType::i32));
         return {ops::dot_product_attention(v[0], v[1], v[2], 0.7, earlier)};
       }},
      {Op::attention,
       "all results",
       {spread({1, 3, 2, 2}), spread({1, 4, 2, 2}), spread({1, 4, 2, 3})},
       [](const Values& v) -> Values {
         return v[0].graph().add(Op::attention, v, {{"scale", 0.7}});
       }},
      {Op::attention_grad,
       "statistics apart from the operands",
       {spread({1, 3, 2, 2}),
        spread({1, 4, 2, 2}),
        spread({1, 4, 2, 3}),
        spread({1, 3, 2, 3}),
        spread({1, 2, 3}),
        spread({1, 2, 3}, 0.5, 2),
        spread({1, 3, 2, 3}, -1, 2)},
       [](const Values& v) -> Values {
         return v[0].graph().add(Op::attention_grad, v, {{"scale", 0.7}});
       }},
  };
}

}  // namespace keratin::testing
