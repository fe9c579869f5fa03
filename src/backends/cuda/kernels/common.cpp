// The text that every generated kernel begins with: types, conversions and one
// function op_<name> per element-wise op. It compiles with NVRTC and, behind a
// prelude that stands in for CUDA's built-ins, with the host compiler; so it
// includes nothing, and means on both what src/backends/reference does.

#include "src/backends/cuda/kernels/kernels.hpp"

namespace keratin::cuda {

std::string_view device_prelude() {
  return R"cuda(
#define KT_MEMBER __device__ __forceinline__
#define KT_FN static KT_MEMBER
#define KT_KERNEL(threads) extern "C" __global__ void __launch_bounds__(threads)
#define KT_SHARED __shared__
KT_FN float f16_bits_to_float(unsigned short bits) {
  float x;
  asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(bits));
  return x;
}
KT_FN unsigned short float_to_f16_bits(float x) {
  unsigned short bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x));
  return bits;
}
)cuda";
}

std::string_view common_prelude() {
  return R"cuda(
typedef signed char i8;
typedef short i16;
typedef int i32;
typedef long long i64;
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef float f32;
typedef double f64;
struct f16 { u16 bits; };
struct bf16 { u16 bits; };

// -- traits -------------------------------------------------------------------

template <class A, class B> struct Same { static constexpr bool value = false; };
template <class A> struct Same<A, A> { static constexpr bool value = true; };
template <class T> constexpr bool kHalf = Same<T, f16>::value || Same<T, bf16>::value;
template <class T> constexpr bool kReal = Same<T, f32>::value || Same<T, f64>::value;
template <class T> constexpr bool kFloat = kHalf<T> || kReal<T>;
template <class T> constexpr bool kSigned = !kFloat<T> && T(-1) < T(0);

// What an element is computed in: halves go through float.
template <class T> struct ComputeOf { typedef T type; };
template <> struct ComputeOf<f16> { typedef f32 type; };
template <> struct ComputeOf<bf16> { typedef f32 type; };
template <class T> using Compute = typename ComputeOf<T>::type;

// What many elements are summed in. Integers wrap as they should.
template <class T> struct SumOf { typedef u64 type; };
template <> struct SumOf<f16> { typedef f32 type; };
template <> struct SumOf<bf16> { typedef f32 type; };
template <> struct SumOf<f32> { typedef f32 type; };
template <> struct SumOf<f64> { typedef f64 type; };
template <class T> using Sum = typename SumOf<T>::type;

// Unsigned and wide enough: no overflow is undefined.
template <int kBytes> struct WideOf { typedef u32 type; };
template <> struct WideOf<8> { typedef u64 type; };
template <class T> using Wide = typename WideOf<sizeof(T)>::type;

// -- conversions --------------------------------------------------------------

KT_FN f32 up(f16 x) { return f16_bits_to_float(x.bits); }
KT_FN f32 up(bf16 x) { return __int_as_float(i32(u32(x.bits) << 16)); }
template <class T> KT_FN T up(T x) { return x; }

KT_FN u16 float_to_bf16_bits(f32 x) {
  const u32 bits = u32(__float_as_int(x));
  if (x != x) return u16((bits >> 16) | 0x40);
  return u16((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

// So that rounding once more, to half precision, is as rounding once.
KT_FN f32 round_to_odd(f64 value) {
  const f32 nearest = f32(value);
  u32 bits = u32(__float_as_int(nearest));
  if (f64(nearest) == value || value != value ||
      (bits & 0x7f800000u) == 0x7f800000u) {
    return nearest;
  }
  const f64 magnitude = value < 0 ? -value : value;
  const f64 got = nearest < 0 ? -f64(nearest) : f64(nearest);
  if (got > magnitude) --bits;
  return __int_as_float(i32(bits | 1u));
}

// Floats to integers truncate; what fits no 64 bits becomes the lowest.
template <class To, class F> KT_FN To truncate(F value) {
  const F limit = F(9223372036854775808.0);
  if constexpr (Same<To, u64>::value) {
    if (value >= limit && value < 2 * limit) return u64(value);
  }
  if (!(value > -limit && value < limit)) return To(u64(1) << 63);
  return To(i64(value));
}

// One element as another type, as NumPy's astype does it.
template <class To, class From> KT_FN To convert(From value) {
  if constexpr (Same<To, From>::value) {
    return value;
  } else if constexpr (kHalf<From>) {
    return convert<To>(up(value));
  } else if constexpr (Same<To, bool>::value) {
    return value != From(0);
  } else if constexpr (Same<To, f16>::value) {
    if constexpr (Same<From, f32>::value) return f16{float_to_f16_bits(value)};
    else return f16{float_to_f16_bits(round_to_odd(f64(value)))};
  } else if constexpr (Same<To, bf16>::value) {
    if constexpr (Same<From, f32>::value) return bf16{float_to_bf16_bits(value)};
    else return bf16{float_to_bf16_bits(round_to_odd(f64(value)))};
  } else if constexpr (kReal<From> && !kReal<To>) {
    return truncate<To>(value);
  } else {
    return To(value);
  }
}

// The element as a summand.
template <class T> KT_FN Sum<T> widen(T x) { return Sum<T>(up(x)); }

// An index of any integer dtype; one of u64 that fits no 63 bits is -1.
template <class T> KT_FN i64 index_of(T x) {
  const i64 index = i64(x);
  if constexpr (Same<T, u64>::value) return index < 0 ? -1 : index;
  return index;
}

// What a wrong index reads.
template <class T> KT_FN T out_of_range() {
  if constexpr (kFloat<T>) return convert<T>(__int_as_float(0x7fc00000));
  else return T(0);
}

KT_FN f32 infinity(f32) { return __int_as_float(0x7f800000); }
KT_FN f64 infinity(f64) { return f64(__int_as_float(0x7f800000)); }

template <class T> KT_FN T lowest() {
  if constexpr (kReal<T>) return -infinity(T(0));
  else if constexpr (kSigned<T>) return T(u64(1) << (8 * sizeof(T) - 1));
  else return T(0);
}
template <class T> KT_FN T highest() {
  if constexpr (kReal<T>) return infinity(T(0));
  else if constexpr (kSigned<T>) return T((u64(1) << (8 * sizeof(T) - 1)) - 1);
  else return T(~u64(0));
}

// A few elements moved as one.
template <class T, int N> struct alignas(sizeof(T) * N) Pack { T at[N]; };

// -- functions of one operand -------------------------------------------------

#define KT_MATH1(name)                                 \
  KT_FN f32 op_##name(f32 x) { return name##f(x); }    \
  KT_FN f64 op_##name(f64 x) { return ::name(x); }
KT_MATH1(exp)
KT_MATH1(expm1)
KT_MATH1(log)
KT_MATH1(log1p)
KT_MATH1(sqrt)
KT_MATH1(sin)
KT_MATH1(cos)
KT_MATH1(tan)
KT_MATH1(sinh)
KT_MATH1(cosh)
KT_MATH1(tanh)
KT_MATH1(erf)
KT_MATH1(floor)
KT_MATH1(ceil)
#undef KT_MATH1
KT_FN f32 op_arcsin(f32 x) { return asinf(x); }
KT_FN f64 op_arcsin(f64 x) { return ::asin(x); }
KT_FN f32 op_arccos(f32 x) { return acosf(x); }
KT_FN f64 op_arccos(f64 x) { return ::acos(x); }
KT_FN f32 op_arctan(f32 x) { return atanf(x); }
KT_FN f64 op_arctan(f64 x) { return ::atan(x); }
KT_FN f32 op_arcsinh(f32 x) { return asinhf(x); }
KT_FN f64 op_arcsinh(f64 x) { return ::asinh(x); }
KT_FN f32 op_arccosh(f32 x) { return acoshf(x); }
KT_FN f64 op_arccosh(f64 x) { return ::acosh(x); }
KT_FN f32 op_arctanh(f32 x) { return atanhf(x); }
KT_FN f64 op_arctanh(f64 x) { return ::atanh(x); }
KT_FN f32 op_round(f32 x) { return nearbyintf(x); }
KT_FN f64 op_round(f64 x) { return ::nearbyint(x); }
KT_FN f32 op_rsqrt(f32 x) { return 1 / sqrtf(x); }
KT_FN f64 op_rsqrt(f64 x) { return 1 / ::sqrt(x); }
KT_FN f32 m_abs(f32 x) { return fabsf(x); }
KT_FN f64 m_abs(f64 x) { return ::fabs(x); }
KT_FN f32 m_fmod(f32 a, f32 b) { return fmodf(a, b); }
KT_FN f64 m_fmod(f64 a, f64 b) { return ::fmod(a, b); }
KT_FN f32 m_copysign(f32 a, f32 b) { return copysignf(a, b); }
KT_FN f64 m_copysign(f64 a, f64 b) { return ::copysign(a, b); }
KT_FN f32 m_pow(f32 a, f32 b) { return powf(a, b); }
KT_FN f64 m_pow(f64 a, f64 b) { return ::pow(a, b); }

template <class T> KT_FN T op_reciprocal(T x) { return 1 / x; }
template <class T> KT_FN T op_negative(T x) {
  if constexpr (kReal<T>) return -x;
  else return T(Wide<T>(0) - Wide<T>(x));
}
template <class T> KT_FN T op_abs(T x) {
  if constexpr (kReal<T>) return m_abs(x);
  else if constexpr (kSigned<T>) return x < 0 ? op_negative(x) : x;
  else return x;
}
template <class T> KT_FN T op_sign(T x) {
  if (x != x) return x;
  return T(i32(x > T(0)) - i32(x < T(0)));
}
template <class T> KT_FN T op_square(T x) {
  if constexpr (kReal<T>) return x * x;
  else return T(Wide<T>(x) * Wide<T>(x));
}
template <class T> KT_FN T op_relu(T x) { return x < T(0) ? T(0) : x; }
template <class T> KT_FN T op_sigmoid(T x) {
  if (x >= T(0)) return T(1) / (T(1) + op_exp(-x));
  const T e = op_exp(x);
  return e / (T(1) + e);
}
template <class T> KT_FN T op_softplus(T x) {
  return (x > T(0) ? x : T(0)) + op_log1p(op_exp(-m_abs(x)));
}
template <class T> KT_FN bool op_isnan(T x) { return x != x; }
template <class T> KT_FN bool op_isfinite(T x) { return x - x == T(0); }
KT_FN bool op_logical_not(bool x) { return !x; }
template <class T> KT_FN T op_bitwise_not(T x) {
  if constexpr (Same<T, bool>::value) return !x;
  else return T(~Wide<T>(x));
}
template <class T> KT_FN T op_stop_gradient(T x) { return x; }

// -- functions of two operands ------------------------------------------------

template <class T> KT_FN T op_add(T a, T b) {
  if constexpr (kReal<T>) return a + b;
  else return T(Wide<T>(a) + Wide<T>(b));
}
template <class T> KT_FN T op_subtract(T a, T b) {
  if constexpr (kReal<T>) return a - b;
  else return T(Wide<T>(a) - Wide<T>(b));
}
template <class T> KT_FN T op_multiply(T a, T b) {
  if constexpr (kReal<T>) return a * b;
  else return T(Wide<T>(a) * Wide<T>(b));
}
// NumPy: the quotient rounded down; x / 0 = 0 for integers.
template <class T> KT_FN T op_floor_divide(T a, T b) {
  if constexpr (kReal<T>) {
    if (b == 0) return a / b;
    const T rest = m_fmod(a, b);
    T quotient = (a - rest) / b;
    if (rest != 0 && (b < 0) != (rest < 0)) quotient -= 1;
    if (quotient == 0) return m_copysign(T(0), a / b);
    const T down = op_floor(quotient);
    return quotient - down > T(0.5) ? down + 1 : down;
  } else {
    if (b == 0) return 0;
    if constexpr (kSigned<T>) {
      if (b == T(-1)) return op_negative(a);
      const T quotient = T(a / b);
      return T(quotient - T(a % b != 0 && (a < 0) != (b < 0)));
    } else {
      return T(a / b);
    }
  }
}
template <class T> KT_FN T op_divide(T a, T b) {
  if constexpr (kReal<T>) return a / b;
  else return op_floor_divide(a, b);
}
// NumPy: the rest has the sign of the divisor; x % 0 = 0 for integers.
template <class T> KT_FN T op_mod(T a, T b) {
  if constexpr (kReal<T>) {
    const T rest = m_fmod(a, b);
    if (rest != 0 && (rest < 0) != (b < 0)) return rest + b;
    return rest == 0 ? m_copysign(T(0), b) : rest;
  } else {
    if (b == 0) return 0;
    if constexpr (kSigned<T>) {
      if (b == T(-1)) return 0;
      const T rest = T(a % b);
      return rest != 0 && (rest < 0) != (b < 0) ? T(rest + b) : rest;
    } else {
      return T(a % b);
    }
  }
}
// By squaring; integers wrap, and 1 / n rounds towards 0.
template <class T> KT_FN T op_power(T a, T b) {
  if constexpr (kReal<T>) {
    return m_pow(a, b);
  } else {
    if constexpr (kSigned<T>) {
      if (b < 0) {
        if (a == 1) return 1;
        if (a == T(-1)) return b % 2 == 0 ? T(1) : T(-1);
        return 0;
      }
    }
    Wide<T> base = Wide<T>(a);
    Wide<T> result = 1;
    for (u64 n = u64(b); n > 0; n >>= 1) {
      if ((n & 1) != 0) result *= base;
      base *= base;
    }
    return T(result);
  }
}
// NaN wins.
template <class T> KT_FN T op_maximum(T a, T b) { return a > b || a != a ? a : b; }
template <class T> KT_FN T op_minimum(T a, T b) { return a < b || a != a ? a : b; }
KT_FN f32 op_arctan2(f32 a, f32 b) { return atan2f(a, b); }
KT_FN f64 op_arctan2(f64 a, f64 b) { return ::atan2(a, b); }
KT_FN bool op_logical_and(bool a, bool b) { return a && b; }
KT_FN bool op_logical_or(bool a, bool b) { return a || b; }
KT_FN bool op_logical_xor(bool a, bool b) { return a != b; }
template <class T> KT_FN T op_bitwise_and(T a, T b) { return T(a & b); }
template <class T> KT_FN T op_bitwise_or(T a, T b) { return T(a | b); }
template <class T> KT_FN T op_bitwise_xor(T a, T b) { return T(a ^ b); }
template <class T> KT_FN T op_left_shift(T a, T b) {
  return u64(b) >= 8 * sizeof(T) ? T(0) : T(Wide<T>(a) << u32(b));
}
template <class T> KT_FN T op_right_shift(T a, T b) {
  return u64(b) >= 8 * sizeof(T) ? T(a < 0 ? -1 : 0) : T(a >> u32(b));
}
template <class T> KT_FN bool op_equal(T a, T b) { return a == b; }
template <class T> KT_FN bool op_not_equal(T a, T b) { return a != b; }
template <class T> KT_FN bool op_less(T a, T b) { return a < b; }
template <class T> KT_FN bool op_less_equal(T a, T b) { return a <= b; }
template <class T> KT_FN bool op_greater(T a, T b) { return a > b; }
template <class T> KT_FN bool op_greater_equal(T a, T b) { return a >= b; }
template <class T> KT_FN T op_select(bool c, T a, T b) { return c ? a : b; }

// -- threads ------------------------------------------------------------------

KT_FN i64 thread_number() {
  return i64(blockIdx.x) * i64(blockDim.x) + i64(threadIdx.x);
}
KT_FN i64 thread_count() { return i64(gridDim.x) * i64(blockDim.x); }

// Groups of kThreads threads work on one item together: one thread, a warp or
// a whole block of 256. How one value of each becomes one value of all:
//   Join: template <class A> A operator()(A, A), commutative to rounding.
KT_FN f32 shuffle(f32 x, i32 mask) { return __shfl_xor_sync(~0u, x, mask); }
KT_FN f64 shuffle(f64 x, i32 mask) { return __shfl_xor_sync(~0u, x, mask); }
KT_FN i32 shuffle(i32 x, i32 mask) { return __shfl_xor_sync(~0u, x, mask); }
KT_FN u32 shuffle(u32 x, i32 mask) { return __shfl_xor_sync(~0u, x, mask); }
KT_FN i64 shuffle(i64 x, i32 mask) { return __shfl_xor_sync(~0u, x, mask); }
KT_FN u64 shuffle(u64 x, i32 mask) { return __shfl_xor_sync(~0u, x, mask); }
KT_FN bool shuffle(bool x, i32 mask) { return shuffle(i32(x), mask) != 0; }
KT_FN i8 shuffle(i8 x, i32 mask) { return i8(shuffle(i32(x), mask)); }
KT_FN i16 shuffle(i16 x, i32 mask) { return i16(shuffle(i32(x), mask)); }
KT_FN u8 shuffle(u8 x, i32 mask) { return u8(shuffle(i32(x), mask)); }
KT_FN u16 shuffle(u16 x, i32 mask) { return u16(shuffle(i32(x), mask)); }

template <int kThreads, class A, class Join>
KT_FN A group_join(A value, Join join) {
  if constexpr (kThreads > 1) {
    for (i32 mask = 16; mask > 0; mask /= 2) {
      value = join(value, shuffle(value, mask));
    }
  }
  if constexpr (kThreads > 32) {
    constexpr i32 kWarps = kThreads / 32;
    KT_SHARED A parts[kWarps];
    __syncthreads();  // a group may join twice
    if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = value;
    __syncthreads();
    value = parts[0];
    for (i32 i = 1; i < kWarps; ++i) value = join(value, parts[i]);
  }
  return value;
}

struct JoinSum {
  template <class A> KT_MEMBER A operator()(A a, A b) const { return a + b; }
};
struct JoinMax {
  template <class A> KT_MEMBER A operator()(A a, A b) const { return op_maximum(a, b); }
};

template <int kThreads> struct Group {
  i64 item;   // the first item of this group
  i64 step;   // how far to the next
  i32 lane;
  static KT_MEMBER Group make() {
    if constexpr (kThreads == 1) {
      return {thread_number(), thread_count(), 0};
    } else {
      return {
          thread_number() / kThreads,
          thread_count() / kThreads,
          i32(threadIdx.x) % kThreads};
    }
  }
};
)cuda";
}

}  // namespace keratin::cuda
