// Rows of the other dtypes, and of the float32 functions that are too rare to
// be worth vectors: plain loops over the same formulas as reference's.

#include "src/backends/cpu/rows.hpp"

#include <cmath>
#include <cstring>
#include <functional>
#include <type_traits>

#include "src/core/visit.hpp"

namespace keratin::cpu {

namespace {

template <class F, class T, class R>
void unary_row(
    void* y_data,
    const void* a_data,
    const void*,
    const void*,
    std::int64_t n) {
  const auto* a = static_cast<const T*>(a_data);
  auto* y = static_cast<R*>(y_data);
  for (std::int64_t i = 0; i < n; ++i) y[i] = static_cast<R>(F{}(a[i]));
}

template <class F, class T, class R>
void binary_row(
    void* y_data,
    const void* a_data,
    const void* b_data,
    const void*,
    std::int64_t n) {
  const auto* a = static_cast<const T*>(a_data);
  const auto* b = static_cast<const T*>(b_data);
  auto* y = static_cast<R*>(y_data);
  for (std::int64_t i = 0; i < n; ++i) y[i] = static_cast<R>(F{}(a[i], b[i]));
}

template <class T>
void select_row(
    void* y_data,
    const void* condition_data,
    const void* a_data,
    const void* b_data,
    std::int64_t n) {
  const auto* condition = static_cast<const bool*>(condition_data);
  const auto* a = static_cast<const T*>(a_data);
  const auto* b = static_cast<const T*>(b_data);
  auto* y = static_cast<T*>(y_data);
  for (std::int64_t i = 0; i < n; ++i) y[i] = condition[i] ? a[i] : b[i];
}

template <class From, class To>
void cast_row(
    void* y_data,
    const void* a_data,
    const void*,
    const void*,
    std::int64_t n) {
  const auto* a = static_cast<const From*>(a_data);
  auto* y = static_cast<To*>(y_data);
  for (std::int64_t i = 0; i < n; ++i) y[i] = convert_element<To>(a[i]);
}

template <class T>
void copy_elements(
    void* y, const void* a, const void*, const void*, std::int64_t n) {
  std::memmove(y, a, static_cast<std::size_t>(n) * sizeof(T));
}

template <class T>
void fill_elements(
    void* y_data, const void* a, const void*, const void*, std::int64_t n) {
  const T value = *static_cast<const T*>(a);
  auto* y = static_cast<T*>(y_data);
  for (std::int64_t i = 0; i < n; ++i) y[i] = value;
}

// Integers wrap: computed without sign, where that is defined.
template <class F>
struct Wrapping {
  template <class T>
  T operator()(T a, T b) const {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(
          F{}(static_cast<std::uint64_t>(a), static_cast<std::uint64_t>(b)));
    } else {
      return F{}(a, b);
    }
  }
};

template <class T>
T negated(T x) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(0 - static_cast<std::uint64_t>(x));
  } else {
    return -x;
  }
}

struct Negative {
  template <class T>
  T operator()(T x) const {
    return negated(x);
  }
};

struct Absolute {
  template <class T>
  T operator()(T x) const {
    if constexpr (std::is_floating_point_v<T>) {
      return std::fabs(x);
    } else if constexpr (std::is_signed_v<T>) {
      return x < 0 ? negated(x) : x;
    } else {
      return x;
    }
  }
};

struct Larger {  // NaN wins

  template <class T>
  T operator()(T a, T b) const {
    return a > b || a != a ? a : b;
  }
};

struct Smaller {
  template <class T>
  T operator()(T a, T b) const {
    return a < b || a != a ? a : b;
  }
};

struct Rectified {  // NaN stays

  template <class T>
  T operator()(T x) const {
    return x < 0 ? T{0} : x;
  }
};

// The dtypes that have rows here: the rest is left to reference.
template <class T>
inline constexpr bool kComputes =
    std::is_same_v<T, float> || std::is_same_v<T, double> ||
    std::is_same_v<T, std::int32_t> || std::is_same_v<T, std::int64_t> ||
    std::is_same_v<T, std::uint32_t> || std::is_same_v<T, std::uint64_t> ||
    std::is_same_v<T, std::uint8_t>;

template <class T>
Row numeric_row(Op op) {
  // clang-format off
  switch (op) {
    case Op::add: return binary_row<Wrapping<std::plus<>>, T, T>;
    case Op::subtract: return binary_row<Wrapping<std::minus<>>, T, T>;
    case Op::multiply: return binary_row<Wrapping<std::multiplies<>>, T, T>;
    case Op::maximum: return binary_row<Larger, T, T>;
    case Op::minimum: return binary_row<Smaller, T, T>;
    case Op::negative: return unary_row<Negative, T, T>;
    case Op::abs: return unary_row<Absolute, T, T>;
    case Op::relu: return unary_row<Rectified, T, T>;
    default: return nullptr;
  }
  // clang-format on
}

#define KERATIN_FUNCTION(expression) \
  unary_row<decltype([](T x) { return expression; }), T, T>

template <class T>
Row floating_row(Op op) {
  // clang-format off
  switch (op) {
    case Op::divide: return binary_row<std::divides<>, T, T>;
    case Op::power: return binary_row<decltype([](T a, T b) { return std::pow(a, b); }), T, T>;
    case Op::arctan2: return binary_row<decltype([](T a, T b) { return std::atan2(a, b); }), T, T>;
    case Op::square: return KERATIN_FUNCTION(x * x);
    case Op::sqrt: return KERATIN_FUNCTION(std::sqrt(x));
    case Op::rsqrt: return KERATIN_FUNCTION(1 / std::sqrt(x));
    case Op::reciprocal: return KERATIN_FUNCTION(1 / x);
    case Op::exp: return KERATIN_FUNCTION(std::exp(x));
    case Op::log: return KERATIN_FUNCTION(std::log(x));
    case Op::tanh: return KERATIN_FUNCTION(std::tanh(x));
    case Op::sin: return KERATIN_FUNCTION(std::sin(x));
    case Op::cos: return KERATIN_FUNCTION(std::cos(x));
    case Op::tan: return KERATIN_FUNCTION(std::tan(x));
    case Op::arcsin: return KERATIN_FUNCTION(std::asin(x));
    case Op::arccos: return KERATIN_FUNCTION(std::acos(x));
    case Op::arctan: return KERATIN_FUNCTION(std::atan(x));
    case Op::sinh: return KERATIN_FUNCTION(std::sinh(x));
    case Op::cosh: return KERATIN_FUNCTION(std::cosh(x));
    case Op::arcsinh: return KERATIN_FUNCTION(std::asinh(x));
    case Op::arccosh: return KERATIN_FUNCTION(std::acosh(x));
    case Op::arctanh: return KERATIN_FUNCTION(std::atanh(x));
    default: return nullptr;
  }
  // clang-format on
}

#undef KERATIN_FUNCTION

template <class T>
Row compare_row(Op op) {
  // clang-format off
  switch (op) {
    case Op::equal: return binary_row<std::equal_to<>, T, bool>;
    case Op::not_equal: return binary_row<std::not_equal_to<>, T, bool>;
    case Op::less: return binary_row<std::less<>, T, bool>;
    case Op::less_equal: return binary_row<std::less_equal<>, T, bool>;
    case Op::greater: return binary_row<std::greater<>, T, bool>;
    case Op::greater_equal: return binary_row<std::greater_equal<>, T, bool>;
    default: return nullptr;
  }
  // clang-format on
}

Row boolean_row(Op op) {
  // clang-format off
  switch (op) {
    case Op::logical_not: return unary_row<std::logical_not<>, bool, bool>;
    case Op::logical_and: return binary_row<std::logical_and<>, bool, bool>;
    case Op::logical_or: return binary_row<std::logical_or<>, bool, bool>;
    case Op::logical_xor: return binary_row<std::not_equal_to<>, bool, bool>;
    default: return compare_row<bool>(op);
  }
  // clang-format on
}

Row find_select(DType dtype) {
  switch (size_of(dtype)) {
    case 1:
      return select_row<std::uint8_t>;
    case 2:
      return select_row<std::uint16_t>;
    case 4:
      return select_row<std::uint32_t>;
    default:
      return select_row<std::uint64_t>;
  }
}

Row find_cast(DType from, DType to) {
  const bool to_bfloat16 = from == DType::f32 && to == DType::bf16;
  if (to_bfloat16 || (from == DType::bf16 && to == DType::f32)) {
    return bfloat16_row(from, to);
  }
  return visit_dtype(from, [&](auto from_tag) {
    return visit_dtype(to, [&](auto to_tag) -> Row {
      return cast_row<
          typename decltype(from_tag)::type,
          typename decltype(to_tag)::type>;
    });
  });
}

Row find_plain_row(Op op, const DType operands[3], DType result) {
  const DType dtype = operands[0];
  if (op == Op::stop_gradient) return copy_row(dtype);
  if (op == Op::cast) return find_cast(dtype, result);
  if (op == Op::select) return find_select(result);
  if (dtype == DType::boolean) return boolean_row(op);
  return visit_dtype(dtype, [&](auto tag) -> Row {
    using T = typename decltype(tag)::type;
    Row row = nullptr;
    if constexpr (kComputes<T>) {
      row = numeric_row<T>(op);
      if (row == nullptr) row = compare_row<T>(op);
    }
    if constexpr (std::is_floating_point_v<T>) {
      if (row == nullptr) row = floating_row<T>(op);
    }
    return row;
  });
}

}  // namespace

Row copy_row(DType dtype) {
  return visit_dtype(dtype, [](auto tag) -> Row {
    return copy_elements<typename decltype(tag)::type>;
  });
}

Row fill_row(DType dtype) {
  return visit_dtype(dtype, [](auto tag) -> Row {
    return fill_elements<typename decltype(tag)::type>;
  });
}

Row find_row(Op op, const DType operands[3], DType result, unsigned scalars) {
  const bool from_bool = operands[0] == DType::boolean;
  const bool is_float = operands[0] == DType::f32 && op != Op::cast;
  const bool float_cast = op == Op::cast && from_bool && result == DType::f32;
  const bool float_select = op == Op::select && result == DType::f32;
  if (is_float || float_cast || float_select) {
    if (const Row row = find_float_row(op, scalars)) return row;
  }
  return scalars == 0 ? find_plain_row(op, operands, result) : nullptr;
}

}  // namespace keratin::cpu
