#include "src/backends/cuda/kernels/kernels.hpp"

namespace keratin::cuda {

std::string_view reduce_family() {
  return R"cuda(
// -- reductions ---------------------------------------------------------------
// A: what is accumulated; element: one of x as A; finish: A as one of y.

template <class T> struct ReduceSum {
  typedef Sum<T> A;
  static KT_MEMBER A first() { return A(0); }
  static KT_MEMBER A element(T x) { return widen(x); }
  KT_MEMBER A operator()(A a, A b) const { return a + b; }
  static KT_MEMBER T finish(A a, f64) { return convert<T>(a); }
};
template <class T> struct ReduceMean : ReduceSum<T> {
  typedef Sum<T> A;
  static KT_MEMBER T finish(A a, f64 count) { return convert<T>(A(a / A(count))); }
};
template <class T> struct ReduceProd {
  typedef Sum<T> A;
  static KT_MEMBER A first() { return A(1); }
  static KT_MEMBER A element(T x) { return widen(x); }
  KT_MEMBER A operator()(A a, A b) const { return a * b; }
  static KT_MEMBER T finish(A a, f64) { return convert<T>(a); }
};
template <class T> struct ReduceMax {
  typedef Compute<T> A;
  static KT_MEMBER A first() { return lowest<A>(); }
  static KT_MEMBER A element(T x) { return up(x); }
  KT_MEMBER A operator()(A a, A b) const { return op_maximum(a, b); }
  static KT_MEMBER T finish(A a, f64) { return convert<T>(a); }
};
template <class T> struct ReduceMin {
  typedef Compute<T> A;
  static KT_MEMBER A first() { return highest<A>(); }
  static KT_MEMBER A element(T x) { return up(x); }
  KT_MEMBER A operator()(A a, A b) const { return op_minimum(a, b); }
  static KT_MEMBER T finish(A a, f64) { return convert<T>(a); }
};
template <class T> struct ReduceAny {
  typedef bool A;
  static KT_MEMBER A first() { return false; }
  static KT_MEMBER A element(T x) { return x; }
  KT_MEMBER A operator()(A a, A b) const { return a || b; }
  static KT_MEMBER T finish(A a, f64) { return a; }
};
template <class T> struct ReduceAll {
  typedef bool A;
  static KT_MEMBER A first() { return true; }
  static KT_MEMBER A element(T x) { return x; }
  KT_MEMBER A operator()(A a, A b) const { return a && b; }
  static KT_MEMBER T finish(A a, f64) { return a; }
};

// Split `s` of an output takes the elements s, s + splits, ... of it, so that
// neighbouring threads read neighbours where the outputs lie innermost.
template <class F, int kThreads, class T, class Kept, class Reduced>
KT_FN typename F::A reduce_range(
    const T* x, i64 out, i64 split, i64 splits, i64 count, i32 lane,
    Kept kept, Reduced reduced) {
  typename F::A sum = F::first();
  const T* from = x + kept(out);
  for (i64 r = split * kThreads + lane; r < count; r += splits * kThreads) {
    sum = F()(sum, F::element(from[reduced(r)]));
  }
  return group_join<kThreads>(sum, F());
}

template <class F, int kThreads, class T, class Kept, class Reduced>
KT_FN void reduce_whole(
    const T* x, T* y, i64 outputs, i64 count, Kept kept, Reduced reduced) {
  const auto group = Group<kThreads>::make();
  for (i64 out = group.item; out < outputs; out += group.step) {
    const auto sum = reduce_range<F, kThreads>(
        x, out, 0, 1, count, group.lane, kept, reduced);
    if (group.lane == 0) y[out] = F::finish(sum, f64(count));
  }
}

// parts: [splits, outputs]
template <class F, int kThreads, class T, class Kept, class Reduced>
KT_FN void reduce_parts(
    const T* x, typename F::A* parts, i64 outputs, i64 count, i64 splits,
    Kept kept, Reduced reduced) {
  const auto group = Group<kThreads>::make();
  for (i64 item = group.item; item < outputs * splits; item += group.step) {
    const auto sum = reduce_range<F, kThreads>(
        x, item % outputs, item / outputs, splits, count, group.lane, kept,
        reduced);
    if (group.lane == 0) parts[item] = sum;
  }
}

template <class F, int kThreads, class T>
KT_FN void reduce_finish(
    const typename F::A* parts, T* y, i64 outputs, i64 count, i64 splits) {
  const auto group = Group<kThreads>::make();
  for (i64 out = group.item; out < outputs; out += group.step) {
    typename F::A sum = F::first();
    for (i64 s = group.lane; s < splits; s += kThreads) {
      sum = F()(sum, parts[s * outputs + out]);
    }
    sum = group_join<kThreads>(sum, F());
    if (group.lane == 0) y[out] = F::finish(sum, f64(count));
  }
}

// -- argmax and argmin --------------------------------------------------------

template <class A> struct Best {
  A value;
  i64 at;  // -1: none yet
};
template <class A> KT_FN Best<A> shuffle(Best<A> x, i32 mask) {
  return {shuffle(x.value, mask), shuffle(x.at, mask)};
}
// The first of the largest (smallest); the first NaN, as in NumPy.
template <class A, bool kLargest> struct Better {
  KT_MEMBER Best<A> operator()(Best<A> a, Best<A> b) const {
    if (a.at < 0 || b.at < 0) return a.at < 0 ? b : a;
    const bool a_nan = a.value != a.value;
    const bool b_nan = b.value != b.value;
    if (a_nan != b_nan) return a_nan ? a : b;
    if (a_nan || a.value == b.value) return a.at < b.at ? a : b;
    return (a.value > b.value) == kLargest ? a : b;
  }
};
template <int kThreads, bool kLargest, class T>
KT_FN void arg_best(const T* x, i32* y, i64 outer, i64 size, i64 inner) {
  typedef Compute<T> A;
  typedef Better<A, kLargest> Join;
  const auto group = Group<kThreads>::make();
  for (i64 item = group.item; item < outer * inner; item += group.step) {
    const T* from = x + (item / inner) * size * inner + item % inner;
    Best<A> best = {A(0), -1};
    for (i64 k = group.lane; k < size; k += kThreads) {
      best = Join()(best, Best<A>{up(from[k * inner]), k});
    }
    best = group_join<kThreads>(best, Join());
    if (group.lane == 0) y[item] = i32(best.at);
  }
}

// -- softmax and cross-entropies ----------------------------------------------


// Largest of `size` elements `step` apart and the sum of exp(x - largest).
template <class A> struct Spread { A largest; A sum; };
template <int kThreads, class T>
KT_FN Spread<Compute<T>> spread_of(const T* x, i64 size, i64 step, i32 lane) {
  typedef Compute<T> A;
  A largest = lowest<A>();
  for (i64 k = lane; k < size; k += kThreads) {
    largest = op_maximum(largest, up(x[k * step]));
  }
  largest = group_join<kThreads>(largest, JoinMax());
  A sum = 0;
  for (i64 k = lane; k < size; k += kThreads) {
    sum += op_exp(up(x[k * step]) - largest);
  }
  return {largest, group_join<kThreads>(sum, JoinSum())};
}

// y may be x.
template <int kThreads, bool kLogarithm, class T>
KT_FN void softmax_rows(const T* x, T* y, i64 outer, i64 size, i64 inner) {
  typedef Compute<T> A;
  const auto group = Group<kThreads>::make();
  for (i64 item = group.item; item < outer * inner; item += group.step) {
    const i64 base = (item / inner) * size * inner + item % inner;
    const Spread<A> spread =
        spread_of<kThreads>(x + base, size, inner, group.lane);
    const A log_sum = op_log(spread.sum);
    for (i64 k = group.lane; k < size; k += kThreads) {
      const i64 at = base + k * inner;
      const A centred = up(x[at]) - spread.largest;
      y[at] = convert<T>(
          kLogarithm ? centred - log_sum : op_exp(centred) / spread.sum);
    }
  }
}

template <int kThreads, class T, class I>
KT_FN void sparse_cross_entropy(
    const T* logits, const I* labels, T* y, i64 rows, i64 classes) {
  typedef Compute<T> A;
  const auto group = Group<kThreads>::make();
  for (i64 row = group.item; row < rows; row += group.step) {
    const T* x = logits + row * classes;
    const i64 label = index_of(labels[row]);
    const Spread<A> spread = spread_of<kThreads>(x, classes, 1, group.lane);
    if (group.lane != 0) continue;
    y[row] = label < 0 || label >= classes
                 ? out_of_range<T>()
                 : convert<T>(
                       op_log(spread.sum) + (spread.largest - up(x[label])));
  }
}

template <int kThreads, class T>
KT_FN void dense_cross_entropy(
    const T* logits, const T* labels, T* y, i64 rows, i64 classes) {
  typedef Compute<T> A;
  const auto group = Group<kThreads>::make();
  for (i64 row = group.item; row < rows; row += group.step) {
    const T* x = logits + row * classes;
    const Spread<A> spread = spread_of<kThreads>(x, classes, 1, group.lane);
    const A log_sum = op_log(spread.sum);
    A sum = 0;
    for (i64 k = group.lane; k < classes; k += kThreads) {
      sum -= up(labels[row * classes + k]) * (up(x[k]) - spread.largest - log_sum);
    }
    sum = group_join<kThreads>(sum, JoinSum());
    if (group.lane == 0) y[row] = convert<T>(sum);
  }
}
)cuda";
}

}  // namespace keratin::cuda
