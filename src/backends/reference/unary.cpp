// Element-wise ops of one operand, but for casts.

#include <cmath>
#include <functional>

#include "src/backends/reference/common.hpp"

namespace keratin::reference {

namespace {

using Row = void (*)(const void* x, void* y, std::int64_t n);

template <class F, class T, class R>
void map_row(const void* x_data, void* y_data, std::int64_t n) {
  const auto* x = static_cast<const T*>(x_data);
  auto* y = static_cast<R*>(y_data);
  for (std::int64_t i = 0; i < n; ++i) {
    if constexpr (kIsHalf<R>) {
      y[i] = R(F{}(load(x[i])));
    } else {
      y[i] = static_cast<R>(F{}(load(x[i])));
    }
  }
}

// F over every floating dtype.
template <class F>
Row floating(DType dtype, F) {
  Row row = nullptr;
  visit_floating(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (kIsFloating<T>) row = map_row<F, T, T>;
  });
  return row;
}

// F over every dtype but bool.
template <class F>
Row numeric(DType dtype, F) {
  Row row = nullptr;
  visit_numeric(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    row = map_row<F, T, T>;
  });
  return row;
}

// F from every floating dtype to bool.
template <class F>
Row test(DType dtype, F) {
  Row row = nullptr;
  visit_floating(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (kIsFloating<T>) row = map_row<F, T, bool>;
  });
  return row;
}

// Integers wrap.
template <class T>
T negated(T x) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(0 - widen(x));
  } else {
    return -x;
  }
}

template <class T>
T absolute(T x) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::fabs(x);
  } else if constexpr (std::is_signed_v<T>) {
    return x < 0 ? negated(x) : x;
  } else {
    return x;
  }
}

template <class T>
T sign_of(T x) {
  if constexpr (std::is_unsigned_v<T>) {
    return static_cast<T>(x > 0);
  } else {
    if (x != x) return x;
    return static_cast<T>((x > T{0}) - (x < T{0}));
  }
}

template <class T>
T squared(T x) {
  if constexpr (std::is_integral_v<T>) {
    const auto wide = widen(x);
    return static_cast<T>(wide * wide);
  } else {
    return x * x;
  }
}

// Neither branch overflows.
template <class T>
T logistic(T x) {
  if (x >= T{0}) return T{1} / (T{1} + std::exp(-x));
  const T e = std::exp(x);
  return e / (T{1} + e);
}

template <class T>
T log_one_plus_exp(T x) {
  return (x > T{0} ? x : T{0}) + std::log1p(std::exp(-std::fabs(x)));
}

// NOLINTBEGIN(readability-function-size): one line per op
Row find_row(Op op, DType t) {
  switch (op) {
    case Op::negative:
      return numeric(t, [](auto x) { return negated(x); });
    case Op::abs:
      return numeric(t, [](auto x) { return absolute(x); });
    case Op::sign:
      return numeric(t, [](auto x) { return sign_of(x); });
    case Op::square:
      return numeric(t, [](auto x) { return squared(x); });
    case Op::relu:  // NaN stays
      return numeric(t, [](auto x) { return x < 0 ? decltype(x){0} : x; });
    case Op::exp:
      return floating(t, [](auto x) { return std::exp(x); });
    case Op::expm1:
      return floating(t, [](auto x) { return std::expm1(x); });
    case Op::log:
      return floating(t, [](auto x) { return std::log(x); });
    case Op::log1p:
      return floating(t, [](auto x) { return std::log1p(x); });
    case Op::sqrt:
      return floating(t, [](auto x) { return std::sqrt(x); });
    case Op::rsqrt:
      return floating(t, [](auto x) { return 1 / std::sqrt(x); });
    case Op::reciprocal:
      return floating(t, [](auto x) { return 1 / x; });
    case Op::sin:
      return floating(t, [](auto x) { return std::sin(x); });
    case Op::cos:
      return floating(t, [](auto x) { return std::cos(x); });
    case Op::tan:
      return floating(t, [](auto x) { return std::tan(x); });
    case Op::arcsin:
      return floating(t, [](auto x) { return std::asin(x); });
    case Op::arccos:
      return floating(t, [](auto x) { return std::acos(x); });
    case Op::arctan:
      return floating(t, [](auto x) { return std::atan(x); });
    case Op::sinh:
      return floating(t, [](auto x) { return std::sinh(x); });
    case Op::cosh:
      return floating(t, [](auto x) { return std::cosh(x); });
    case Op::tanh:
      return floating(t, [](auto x) { return std::tanh(x); });
    case Op::arcsinh:
      return floating(t, [](auto x) { return std::asinh(x); });
    case Op::arccosh:
      return floating(t, [](auto x) { return std::acosh(x); });
    case Op::arctanh:
      return floating(t, [](auto x) { return std::atanh(x); });
    case Op::erf:
      return floating(t, [](auto x) { return std::erf(x); });
    case Op::sigmoid:
      return floating(t, [](auto x) { return logistic(x); });
    case Op::softplus:
      return floating(t, [](auto x) { return log_one_plus_exp(x); });
    case Op::floor:
      return floating(t, [](auto x) { return std::floor(x); });
    case Op::ceil:
      return floating(t, [](auto x) { return std::ceil(x); });
    case Op::round:  // the rounding mode is to nearest, halves to even
      return floating(t, [](auto x) { return std::nearbyint(x); });
    case Op::isnan:
      return test(t, [](auto x) { return std::isnan(x); });
    case Op::isfinite:
      return test(t, [](auto x) { return std::isfinite(x); });
    case Op::logical_not:
      return map_row<std::logical_not<bool>, bool, bool>;
    case Op::bitwise_not: {
      if (t == DType::boolean) return find_row(Op::logical_not, t);
      Row row = nullptr;
      visit_dtype(t, [&](auto tag) {
        using T = typename decltype(tag)::type;
        if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
          row = map_row<std::bit_not<T>, T, T>;
        }
      });
      return row;
    }
    default:
      return nullptr;
  }
}

// NOLINTEND(readability-function-size)

class UnaryKernel final : public BoundKernel {
 public:
  UnaryKernel(const Graph& graph, const Node& node)
      : row_(find_row(node.op, graph.type(node.inputs[0]).dtype)),
        size_(graph.type(node.inputs[0]).shape.size()) {
    KERATIN_CHECK(row_ != nullptr, "{} for this dtype", op_name(node.op));
  }

  bool can_overwrite(int, int) const override { return true; }

  void run() override { row_(in().data, out().data, size_); }

 private:
  Row row_;
  std::int64_t size_;
};

Support supports_unary(const Graph&, const Node& node) {
  const bool known = (node.op >= Op::negative && node.op <= Op::bitwise_not);
  return known ? Support::yes() : Support::no("");
}

constexpr KernelEntry kEntries[] = {
    {"reference.unary", supports_unary, make_kernel<UnaryKernel>},
};

}  // namespace

std::span<const KernelEntry> unary_kernels() {
  return kEntries;
}

}  // namespace keratin::reference
