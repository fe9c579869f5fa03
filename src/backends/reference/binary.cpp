// Arithmetic of two operands.

#include <cmath>
#include <functional>
#include <limits>

#include "src/backends/reference/elementwise.hpp"

namespace keratin::reference {

namespace {

template <class F>
BinaryRow numeric(DType dtype, F) {
  BinaryRow row = nullptr;
  visit_numeric(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    row = binary_row<F, T, T>;
  });
  return row;
}

template <class F>
BinaryRow floating(DType dtype, F) {
  BinaryRow row = nullptr;
  visit_floating(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (kIsFloating<T>) row = binary_row<F, T, T>;
  });
  return row;
}

// F over integers, but not bool.
template <class F>
BinaryRow integral(DType dtype, F) {
  BinaryRow row = nullptr;
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      row = binary_row<F, T, T>;
    }
  });
  return row;
}

// F over integers and bool.
template <class F>
BinaryRow bitwise(DType dtype, F f) {
  if (dtype == DType::boolean) return binary_row<F, bool, bool>;
  return integral(dtype, f);
}

// Integers wrap: computed without sign, where that is defined.
template <class F, class T>
T wrapping(F f, T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    return static_cast<T>(f(widen(a), widen(b)));
  } else {
    return f(a, b);
  }
}

// NumPy: the quotient rounded down; x / 0 = 0 for integers.
template <class T>
T floor_divided(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if (b == 0) return 0;
    if constexpr (std::is_signed_v<T>) {
      if (b == -1) return static_cast<T>(0 - widen(a));
      const T quotient = static_cast<T>(a / b);
      const bool inexact = a % b != 0;
      return static_cast<T>(quotient - (inexact && (a < 0) != (b < 0)));
    } else {
      return static_cast<T>(a / b);
    }
  } else {
    if (b == 0) return a / b;
    T rest = std::fmod(a, b);
    T quotient = (a - rest) / b;
    if (rest != 0 && (b < 0) != (rest < 0)) quotient -= 1;
    if (quotient == 0) return std::copysign(T{0}, a / b);
    const T down = std::floor(quotient);
    return quotient - down > T{0.5} ? down + 1 : down;
  }
}

// NumPy: the rest has the sign of the divisor; x % 0 = 0 for integers.
template <class T>
T modulo(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if (b == 0) return 0;
    if constexpr (std::is_signed_v<T>) {
      if (b == -1) return 0;
      const T rest = static_cast<T>(a % b);
      const bool wrong_sign = rest != 0 && (rest < 0) != (b < 0);
      return static_cast<T>(wrong_sign ? rest + b : rest);
    } else {
      return static_cast<T>(a % b);
    }
  } else {
    const T rest = std::fmod(a, b);
    if (rest != 0 && (rest < 0) != (b < 0)) return rest + b;
    return rest == 0 ? std::copysign(T{0}, b) : rest;
  }
}

// By squaring; integers wrap, and 1 / n rounds towards 0.
template <class T>
T raised(T a, T b) {
  if constexpr (std::is_integral_v<T>) {
    if constexpr (std::is_signed_v<T>) {
      if (b < 0) {
        if (a == 1) return 1;
        if (a == -1) return b % 2 == 0 ? T{1} : T{-1};
        return 0;
      }
    }
    std::uint64_t base = widen(a);
    std::uint64_t result = 1;
    for (auto n = widen(b); n > 0; n >>= 1) {
      if ((n & 1) != 0) result *= base;
      base *= base;
    }
    return static_cast<T>(result);
  } else {
    return std::pow(a, b);
  }
}

// NaN wins.
template <class T>
T larger(T a, T b) {
  return a > b || a != a ? a : b;
}

template <class T>
T smaller(T a, T b) {
  return a < b || a != a ? a : b;
}

template <class T>
constexpr std::uint64_t kBits = sizeof(T) * 8;

template <class T>
T shifted_left(T a, T b) {
  const auto count = widen(b);
  if (count >= kBits<T>) return 0;
  return static_cast<T>(widen(a) << count);
}

template <class T>
T shifted_right(T a, T b) {
  const auto count = widen(b);
  if (count >= kBits<T>) return static_cast<T>(a < 0 ? -1 : 0);
  return static_cast<T>(a >> count);
}

BinaryRow find_row(Op op, DType t) {
  switch (op) {
    case Op::add:
      return numeric(
          t, [](auto a, auto b) { return wrapping(std::plus<>(), a, b); });
    case Op::subtract:
      return numeric(
          t, [](auto a, auto b) { return wrapping(std::minus<>(), a, b); });
    case Op::multiply:
      return numeric(t, [](auto a, auto b) {
        return wrapping(std::multiplies<>(), a, b);
      });
    case Op::divide:
      return is_floating(t) ? floating(t, [](auto a, auto b) { return a / b; })
                            : find_row(Op::floor_divide, t);
    case Op::power:
      return numeric(t, [](auto a, auto b) { return raised(a, b); });
    case Op::maximum:
      return numeric(t, [](auto a, auto b) { return larger(a, b); });
    case Op::minimum:
      return numeric(t, [](auto a, auto b) { return smaller(a, b); });
    case Op::mod:
      return numeric(t, [](auto a, auto b) { return modulo(a, b); });
    case Op::floor_divide:
      return numeric(t, [](auto a, auto b) { return floor_divided(a, b); });
    case Op::arctan2:
      return floating(t, [](auto a, auto b) { return std::atan2(a, b); });
    case Op::bitwise_and:
      return bitwise(t, std::bit_and<>());
    case Op::bitwise_or:
      return bitwise(t, std::bit_or<>());
    case Op::bitwise_xor:
      return bitwise(t, std::bit_xor<>());
    case Op::left_shift:
      return integral(t, [](auto a, auto b) { return shifted_left(a, b); });
    case Op::right_shift:
      return integral(t, [](auto a, auto b) { return shifted_right(a, b); });
    default:
      return nullptr;
  }
}

class ArithmeticKernel final : public BinaryKernel {
 public:
  ArithmeticKernel(const Graph& graph, const Node& node)
      : BinaryKernel(
            graph, node, find_row(node.op, graph.type(node.inputs[0]).dtype)) {}
};

constexpr KernelEntry kEntries[] = {
    {"reference.binary",
     supports_ops<
         Op::add,
         Op::subtract,
         Op::multiply,
         Op::divide,
         Op::power,
         Op::maximum,
         Op::minimum,
         Op::mod,
         Op::floor_divide,
         Op::arctan2,
         Op::bitwise_and,
         Op::bitwise_or,
         Op::bitwise_xor,
         Op::left_shift,
         Op::right_shift>,
     make_kernel<ArithmeticKernel>},
};

}  // namespace

std::span<const KernelEntry> binary_kernels() {
  return kEntries;
}

}  // namespace keratin::reference
