#include "src/backends/cuda/kernels/kernels.hpp"

namespace keratin::cuda {

std::string_view index_family() {
  return R"cuda(
// x: [outer, size, inner]; y: [outer, count, inner].
template <class T, class I>
KT_FN void take_rows(
    const T* x, const I* indices, T* y, i64 outer, i64 size, i64 inner, i64 count) {
  for (i64 at = thread_number(); at < outer * count * inner; at += thread_count()) {
    const i64 row = at / inner;
    const i64 index = index_of(indices[row % count]);
    y[at] = index < 0 || index >= size
                ? out_of_range<T>()
                : x[((row / count) * size + index) * inner + at % inner];
  }
}

// x: [outer, size, inner]; indices, y: [outer, taken, inner].
template <class T, class I>
KT_FN void take_along(
    const T* x, const I* indices, T* y, i64 outer, i64 size, i64 inner, i64 taken) {
  for (i64 at = thread_number(); at < outer * taken * inner; at += thread_count()) {
    const i64 index = index_of(indices[at]);
    y[at] = index < 0 || index >= size
                ? out_of_range<T>()
                : x[((at / inner / taken) * size + index) * inner + at % inner];
  }
}

// One thread adds up one column, in order: equal sums in every run.
// cells: [outer, size, inner]; updates: [outer, taken, inner].
template <bool kAlong, class T, class I>
KT_FN void scatter_columns(
    const I* indices, const T* updates, Sum<T>* cells, T* y, i64 outer, i64 size,
    i64 inner, i64 taken) {
  for (i64 item = thread_number(); item < outer * inner; item += thread_count()) {
    const i64 o = item / inner;
    const i64 i = item % inner;
    Sum<T>* column = cells + o * size * inner + i;
    for (i64 k = 0; k < size; ++k) column[k * inner] = Sum<T>(0);
    for (i64 k = 0; k < taken; ++k) {
      const i64 from = (o * taken + k) * inner + i;
      const i64 index = index_of(indices[kAlong ? from : k]);
      if (index >= 0 && index < size) column[index * inner] += widen(updates[from]);
    }
    for (i64 k = 0; k < size; ++k) {
      const i64 at = (o * size + k) * inner + i;
      y[at] = convert<T>(column[k * inner]);
    }
  }
}

// The order of the sums is the hardware's. y starts with zeros.
template <bool kAlong, class T, class I>
KT_FN void scatter_atomic(
    const I* indices, const T* updates, T* y, i64 outer, i64 size, i64 inner,
    i64 taken) {
  for (i64 from = thread_number(); from < outer * taken * inner;
       from += thread_count()) {
    const i64 row = from / inner;
    const i64 index = index_of(indices[kAlong ? from : row % taken]);
    if (index < 0 || index >= size) continue;
    atomicAdd(&y[((row / taken) * size + index) * inner + from % inner], updates[from]);
  }
}

template <class T, class I>
KT_FN void one_hot(const I* indices, T* y, i64 count, i64 depth) {
  for (i64 at = thread_number(); at < count * depth; at += thread_count()) {
    y[at] = convert<T>(index_of(indices[at / depth]) == at % depth ? 1.0f : 0.0f);
  }
}

// y may be x.
template <bool kExclusive, bool kReverse, class T>
KT_FN void running_sums(const T* x, T* y, i64 outer, i64 size, i64 inner) {
  for (i64 item = thread_number(); item < outer * inner; item += thread_count()) {
    const i64 base = (item / inner) * size * inner + item % inner;
    Sum<T> sum = Sum<T>(0);
    for (i64 step = 0; step < size; ++step) {
      const i64 at = base + (kReverse ? size - 1 - step : step) * inner;
      const Sum<T> next = sum + widen(x[at]);
      y[at] = convert<T>(kExclusive ? sum : next);
      sum = next;
    }
  }
}

// NaN counts as larger than every number, as in NumPy.
template <class T> KT_FN bool precedes(T a, T b) {
  const auto u = up(a);
  const auto v = up(b);
  return u < v || (u == u && v != v);
}

// Every element counts those before it: ties keep their order.
template <bool kDescending, class T>
KT_FN void rank_lines(
    const T* x, T* values, i32* indices, i64 outer, i64 size, i64 inner, i64 kept) {
  for (i64 at = thread_number(); at < outer * size * inner; at += thread_count()) {
    const i64 i = at % inner;
    const i64 k = at / inner % size;
    const i64 o = at / inner / size;
    const T own = x[at];
    i64 rank = 0;
    for (i64 j = 0; j < size; ++j) {
      const T other = x[(o * size + j) * inner + i];
      const bool before = kDescending ? precedes(own, other) : precedes(other, own);
      const bool after = kDescending ? precedes(other, own) : precedes(own, other);
      rank += before || (!after && j < k);
    }
    if (rank >= kept) continue;
    const i64 to = (o * kept + rank) * inner + i;
    values[to] = own;
    indices[to] = i32(k);
  }
}
)cuda";
}

std::string_view product_family() {
  return R"cuda(
// y = a . b by plain loops: for dtypes that cuBLASLt does not take.
template <class T, class A, class B>
KT_FN void plain_matmul(
    const T* a, const T* b, T* y, i64 batches, i64 m, i64 n, i64 k,
    bool transpose_a, bool transpose_b, A a_batch, B b_batch) {
  for (i64 at = thread_number(); at < batches * m * n; at += thread_count()) {
    const i64 column = at % n;
    const i64 row = at / n % m;
    const i64 batch = at / n / m;
    const T* left = a + a_batch(batch) * m * k;
    const T* right = b + b_batch(batch) * k * n;
    Sum<T> sum = Sum<T>(0);
    for (i64 l = 0; l < k; ++l) {
      sum += widen(left[transpose_a ? l * m + row : row * k + l]) *
             widen(right[transpose_b ? column * k + l : l * n + column]);
    }
    y[at] = convert<T>(sum);
  }
}
)cuda";
}

std::string_view random_family() {
  return R"cuda(
// Philox 4x32-10 (Salmon et al. 2011), as src/core/philox.hpp.
struct Words { u32 at[4]; };
KT_FN Words philox(u64 block, const u32* state) {
  u32 c0 = u32(block);
  u32 c1 = u32(block >> 32);
  u32 c2 = 0;
  u32 c3 = 0;
  u32 k0 = state[0];
  u32 k1 = state[1];
#pragma unroll
  for (i32 round = 0; round < 10; ++round) {
    const u64 p0 = u64(0xD2511F53u) * c0;
    const u64 p1 = u64(0xCD9E8D57u) * c2;
    c0 = u32(p1 >> 32) ^ c1 ^ k0;
    c1 = u32(p1);
    c2 = u32(p0 >> 32) ^ c3 ^ k1;
    c3 = u32(p0);
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}
KT_FN f32 uniform(u32 bits) { return __fmul_rn(f32(bits >> 8), 0x1p-24f); }
KT_FN f64 uniform(u32 high, u32 low) {
  return __dmul_rn(f64(((u64(high) << 32) | low) >> 11), 0x1p-53);
}

KT_FN void random_bits(const u32* state, u32* y, i64 n) {
  for (i64 block = thread_number(); block * 4 < n; block += thread_count()) {
    const Words words = philox(u64(block), state);
    for (i32 j = 0; j < 4; ++j) {
      if (block * 4 + j < n) y[block * 4 + j] = words.at[j];
    }
  }
}

// Numbers that rounding brings to `high` become `below`, the one before it.
template <class T>
KT_FN void random_uniform(
    const u32* state, T* y, i64 n, f64 low, f64 high, f64 range, T below) {
  constexpr i32 kPerBlock = Same<T, f64>::value ? 2 : 4;
  for (i64 block = thread_number(); block * kPerBlock < n; block += thread_count()) {
    const Words words = philox(u64(block), state);
    for (i32 j = 0; j < kPerBlock; ++j) {
      const i64 at = block * kPerBlock + j;
      if (at >= n) break;
      T value;
      if constexpr (Same<T, f64>::value) {
        const f64 u = uniform(words.at[2 * j], words.at[2 * j + 1]);
        value = __dadd_rn(low, __dmul_rn(range, u));
      } else {
        value = convert<T>(
            __fadd_rn(f32(low), __fmul_rn(f32(range), uniform(words.at[j]))));
      }
      y[at] = f64(up(value)) >= high && low < high ? below : value;
    }
  }
}

// Box and Muller (1958), in pairs.
template <class T>
KT_FN void random_normal(const u32* state, T* y, i64 n, f64 mean, f64 stddev) {
  constexpr bool kDouble = Same<T, f64>::value;
  constexpr i32 kPerBlock = kDouble ? 2 : 4;
  for (i64 block = thread_number(); block * kPerBlock < n; block += thread_count()) {
    const Words words = philox(u64(block), state);
    for (i32 pair = 0; pair < kPerBlock / 2; ++pair) {
      Compute<T> u;
      Compute<T> v;
      if constexpr (kDouble) {
        u = uniform(words.at[0], words.at[1]);
        v = uniform(words.at[2], words.at[3]);
      } else {
        u = uniform(words.at[2 * pair]);
        v = uniform(words.at[2 * pair + 1]);
      }
      typedef Compute<T> A;
      // 1 - u lies in (0, 1], so the logarithm is finite.
      const A radius = op_sqrt(A(-2) * op_log(A(1) - u));
      const A angle = A(2) * A(3.14159265358979323846) * v;
      const A numbers[2] = {radius * op_cos(angle), radius * op_sin(angle)};
      for (i32 j = 0; j < 2; ++j) {
        const i64 at = block * kPerBlock + 2 * pair + j;
        if (at < n) y[at] = convert<T>(A(mean) + A(stddev) * numbers[j]);
      }
    }
  }
}
)cuda";
}

}  // namespace keratin::cuda
