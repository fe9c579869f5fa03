#pragma once

#include <string_view>

namespace keratin::cuda::testing {

/// In the place of device_prelude(): CUDA's built-ins for the host compiler.
/// Barriers and exchanges between threads are calls back into the stand-in.
inline constexpr std::string_view kHostPrelude = R"host(
#include <math.h>
#include <string.h>

struct KtDim { unsigned x, y, z; };
struct KtHost {
  KtDim thread, block, block_size, grid;
  void (*barrier)();
  // Gives `mine` to the warp and takes what the lane `lane ^ mask` gave.
  void (*exchange)(const void* mine, unsigned size, int mask, void* out);
};
static KtHost* kt_host;
extern "C" void kt_connect(KtHost* host) { kt_host = host; }

#define __device__
#define __global__
#define __forceinline__ inline
#define threadIdx (kt_host->thread)
#define blockIdx (kt_host->block)
#define blockDim (kt_host->block_size)
#define gridDim (kt_host->grid)
#define KT_MEMBER inline
#define KT_FN static inline
#define KT_KERNEL(threads) extern "C" void
#define KT_SHARED static
static inline void __syncthreads() { kt_host->barrier(); }
template <class T> static inline T __shfl_xor_sync(unsigned, T x, int mask) {
  T out;
  kt_host->exchange(&x, sizeof(T), mask, &out);
  return out;
}
template <class T> static inline T atomicAdd(T* at, T x) {
  const T before = *at;
  *at = before + x;
  return before;
}
static inline float __int_as_float(int bits) {
  float x;
  memcpy(&x, &bits, 4);
  return x;
}
static inline int __float_as_int(float x) {
  int bits;
  memcpy(&bits, &x, 4);
  return bits;
}
static inline float __fmul_rn(float a, float b) { return a * b; }
static inline float __fadd_rn(float a, float b) { return a + b; }
static inline double __dmul_rn(double a, double b) { return a * b; }
static inline double __dadd_rn(double a, double b) { return a + b; }

// binary16, as the device's cvt instructions have it: to nearest even.
static inline float f16_bits_to_float(unsigned short bits) {
  const int exponent = bits >> 10 & 31;
  const int fraction = bits & 1023;
  float x;
  if (exponent == 31) {
    x = fraction != 0 ? __int_as_float(0x7fc00000) : __int_as_float(0x7f800000);
  } else if (exponent == 0) {
    x = ldexpf((float)fraction, -24);
  } else {
    x = ldexpf((float)(fraction + 1024), exponent - 25);
  }
  return bits >> 15 ? -x : x;
}
static inline unsigned short float_to_f16_bits(float x) {
  const unsigned bits = (unsigned)__float_as_int(x);
  const unsigned short sign = (unsigned short)(bits >> 16 & 0x8000);
  const float size = fabsf(x);
  if (x != x) return sign | 0x7e00;
  if (size >= 65520.0f) return sign | 0x7c00;
  if (size < 6.103515625e-05f) {  // subnormal: a whole number of 2^-24
    return sign | (unsigned short)nearbyintf(ldexpf(size, 24));
  }
  const unsigned magnitude = bits & 0x7fffffffu;
  const unsigned rounded = magnitude + 0xfffu + (magnitude >> 13 & 1u);
  return sign | (unsigned short)((rounded - (112u << 23)) >> 13);
}
)host";

}  // namespace keratin::cuda::testing
