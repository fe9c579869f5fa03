#include "tests/passes/random_graph.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <random>
#include <utility>
#include <vector>

namespace keratin::testing {
namespace {

class Builder {
 public:
  explicit Builder(unsigned seed) : random_(seed) {}

  Graph run() {
    floats_ = {
        graph_.parameter({DType::f32, {4, 6}}, "a"),
        graph_.parameter({DType::f32, {6}}, "b"),
        graph_.parameter({DType::f32, {}}, "c")};
    const Variable v(Tensor::full(DType::f32, {4, 6}, 0.5), {.name = "v"});
    const Variable w(Tensor::full(DType::f32, {6}, -1.5), {.name = "w"});
    floats_.push_back(graph_.read(v));
    floats_.push_back(graph_.read(w));
    masks_ = {graph_.constant(Tensor::full(DType::boolean, {}, 1))};
    const int nodes = 10 + static_cast<int>(random_() % 40);
    for (int i = 0; i < nodes; ++i) add_node();
    graph_.assign(v, of_shape({4, 6}));
    graph_.assign(w, of_shape({6}));
    std::vector<Value> outputs;
    for (int i = 0; i < 4; ++i) outputs.push_back(any());
    outputs.push_back(floats_.back());
    outputs.push_back(masks_.back());
    graph_.set_outputs(outputs);
    return std::move(graph_);
  }

 private:
  std::size_t below(std::size_t bound) { return random_() % bound; }

  Value any() { return floats_[below(floats_.size())]; }

  Value of_shape(const Shape& shape) {
    std::vector<Value> fitting;
    for (const Value& value : floats_) {
      if (value.shape() == shape) fitting.push_back(value);
    }
    return fitting[below(fitting.size())];
  }

  /// A second operand that broadcasts with x.
  Value partner(const Value& x) {
    switch (below(4)) {
      case 0: {
        static constexpr std::array kNumbers = {
            0.0, -0.0, 1.0, -1.0, 2.0, 0.5, 4.0, 3.0, -2.0};
        return graph_.constant(
            Tensor::full(DType::f32, {}, kNumbers[below(kNumbers.size())]));
      }
      case 1:
        return x;
      case 2:
        return floats_[2];
      default:
        return of_shape(x.shape());
    }
  }

  void add_node() {
    const Value x = any();
    switch (below(9)) {
      case 0:
      case 1:
        floats_.push_back(graph_.add1(unary(), {x}));
        break;
      case 2:
      case 3: {
        const Value y = partner(x);
        const bool swap = below(2) == 0;
        floats_.push_back(graph_.add1(binary(), {swap ? y : x, swap ? x : y}));
        break;
      }
      case 4:
        add_mask(x);
        break;
      case 5:
        floats_.push_back(graph_.add1(
            Op::select,
            {masks_[below(masks_.size())], x, x.rank() == 2 ? floats_[0] : x}));
        // The mask may be of a larger shape than x.
        break;
      case 6:
        add_shape_op(x);
        break;
      case 7:
        add_cast(x);
        break;
      default:
        add_matrix_op();
    }
    if (floats_.back().rank() > 2) floats_.pop_back();
  }

  Op unary() {
    static constexpr std::array kOps = {
        Op::negative,
        Op::negative,
        Op::abs,
        Op::square,
        Op::exp,
        Op::relu,
        Op::tanh,
        Op::sqrt,
        Op::sigmoid,
        Op::stop_gradient,
        Op::floor,
        Op::sign,
        Op::rsqrt,
        Op::reciprocal,
        Op::log1p};
    return kOps[below(kOps.size())];
  }

  Op binary() {
    static constexpr std::array kOps = {
        Op::add,
        Op::add,
        Op::subtract,
        Op::subtract,
        Op::multiply,
        Op::divide,
        Op::power,
        Op::maximum,
        Op::minimum};
    return kOps[below(kOps.size())];
  }

  void add_mask(const Value& x) {
    static constexpr std::array kOps = {
        Op::less, Op::greater_equal, Op::equal, Op::not_equal};
    Value mask = graph_.add1(kOps[below(kOps.size())], {x, partner(x)});
    if (below(2) == 0) mask = graph_.add1(Op::logical_not, {mask});
    if (mask.shape() == masks_.back().shape()) {
      mask = graph_.add1(Op::logical_and, {mask, masks_[0]});
    }
    if (mask.shape() == Shape({4, 6}) || mask.shape().empty()) {
      masks_.push_back(mask);
    }
  }

  void add_cast(const Value& x) {
    static constexpr std::array kTypes = {
        DType::f64, DType::bf16, DType::f32, DType::f16};
    const DType by = kTypes[below(kTypes.size())];
    const Value y = graph_.add1(Op::cast, {x}, {{"dtype", by}});
    floats_.push_back(graph_.add1(Op::cast, {y}, {{"dtype", DType::f32}}));
  }

  Value shaped(Op op, const Value& x, Ints shape) {
    return graph_.add1(op, {x}, {{"shape", std::move(shape)}});
  }

  void add_shape_op(const Value& x) {
    if (x.shape().empty()) {
      floats_.push_back(shaped(Op::broadcast_to, x, {4, 6}));
      return;
    }
    const auto last = static_cast<std::int64_t>(x.rank()) - 1;
    switch (below(6)) {
      case 0:
        floats_.push_back(graph_.add1(
            Op::reduce_sum, {x}, {{"axes", Ints{last}}, {"keepdims", true}}));
        break;
      case 1:
        floats_.push_back(graph_.add1(
            Op::reduce_mean, {x}, {{"axes", Ints{0}}, {"keepdims", false}}));
        break;
      case 2: {
        const Value flat = shaped(Op::reshape, x, {x.shape().size()});
        floats_.push_back(shaped(Op::reshape, flat, x.shape().dims()));
        break;
      }
      case 3:
        if (x.shape() == Shape({6})) {
          floats_.push_back(shaped(Op::broadcast_to, x, {4, 6}));
        }
        break;
      case 4:
        floats_.push_back(
            graph_.add1(Op::reverse, {x}, {{"axes", Ints{last}}}));
        break;
      default:
        floats_.push_back(graph_.add1(Op::softmax, {x}, {{"axis", last}}));
    }
  }

  void add_matrix_op() {
    const Value x = of_shape({4, 6});
    const Value turned =
        graph_.add1(Op::transpose, {x}, {{"permutation", Ints{1, 0}}});
    if (below(2) == 0) {
      floats_.push_back(
          graph_.add1(Op::transpose, {turned}, {{"permutation", Ints{1, 0}}}));
      return;
    }
    const Value square = graph_.add1(
        Op::matmul,
        {turned, of_shape({4, 6})},
        {{"transpose_a", false}, {"transpose_b", false}});
    floats_.push_back(graph_.add1(
        Op::matmul,
        {of_shape({4, 6}), square},
        {{"transpose_a", false}, {"transpose_b", below(2) == 0}}));
  }

  std::mt19937 random_;
  Graph graph_;
  std::vector<Value> floats_;
  std::vector<Value> masks_;
};

}  // namespace

Graph random_graph(unsigned seed) {
  return Builder(seed).run();
}

}  // namespace keratin::testing
