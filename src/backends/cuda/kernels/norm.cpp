#include "src/backends/cuda/kernels/kernels.hpp"

namespace keratin::cuda {

std::string_view norm_family() {
  return R"cuda(
// x: [rows, c]. Parameters P and statistics S may be wider than x.
template <class A> KT_FN A inverse_deviation(A variance, f64 epsilon) {
  return A(1) / op_sqrt(variance + A(epsilon));
}

// -- layer normalisation: a group of threads a row ----------------------------

template <int kThreads, class T, class P, class S>
KT_FN void layer_norm(
    const T* x, const P* gamma, const P* beta, T* y, S* mean_out, S* rstd_out,
    i64 rows, i64 c, f64 epsilon) {
  typedef Compute<T> A;
  const auto group = Group<kThreads>::make();
  for (i64 row = group.item; row < rows; row += group.step) {
    const T* from = x + row * c;
    A sum = 0;
    for (i64 i = group.lane; i < c; i += kThreads) sum += up(from[i]);
    const A mean = group_join<kThreads>(sum, JoinSum()) / A(c);
    A squares = 0;
    for (i64 i = group.lane; i < c; i += kThreads) {
      const A difference = up(from[i]) - mean;
      squares += difference * difference;
    }
    const A variance = group_join<kThreads>(squares, JoinSum()) / A(c);
    const A rstd = inverse_deviation(variance, epsilon);
    for (i64 i = group.lane; i < c; i += kThreads) {
      const A h = (up(from[i]) - mean) * rstd;
      y[row * c + i] = convert<T>(h * A(up(gamma[i])) + A(up(beta[i])));
    }
    if (group.lane == 0) {
      mean_out[row] = convert<S>(mean);
      rstd_out[row] = convert<S>(rstd);
    }
  }
}

// With h = (x - mean) * rstd and g = dy * gamma:
//   dx = rstd * (g - mean(g) - h * mean(g * h))
template <int kThreads, class T, class P, class S>
KT_FN void layer_norm_dx(
    const T* x, const P* gamma, const S* mean_in, const S* rstd_in, const T* dy,
    T* dx, i64 rows, i64 c) {
  typedef Compute<T> A;
  const auto group = Group<kThreads>::make();
  for (i64 row = group.item; row < rows; row += group.step) {
    const A mean = A(up(mean_in[row]));
    const A rstd = A(up(rstd_in[row]));
    A sum_g = 0;
    A sum_gh = 0;
    for (i64 i = group.lane; i < c; i += kThreads) {
      const i64 at = row * c + i;
      const A g = up(dy[at]) * A(up(gamma[i]));
      sum_g += g;
      sum_gh += g * (up(x[at]) - mean) * rstd;
    }
    sum_g = group_join<kThreads>(sum_g, JoinSum()) / A(c);
    sum_gh = group_join<kThreads>(sum_gh, JoinSum()) / A(c);
    for (i64 i = group.lane; i < c; i += kThreads) {
      const i64 at = row * c + i;
      const A h = (up(x[at]) - mean) * rstd;
      const A g = up(dy[at]) * A(up(gamma[i]));
      dx[at] = convert<T>(rstd * (g - sum_g - h * sum_gh));
    }
  }
}

// -- sums over the rows, by channel -------------------------------------------
// Split s takes rows s, s + splits, ...; parts: [splits, 2, c].

template <class T, class S>
KT_FN void layer_norm_parts(
    const T* x, const S* mean, const S* rstd, const T* dy, Compute<T>* parts,
    i64 rows, i64 c, i64 splits) {
  typedef Compute<T> A;
  for (i64 item = thread_number(); item < c * splits; item += thread_count()) {
    const i64 i = item % c;
    const i64 split = item / c;
    A dgamma = 0;
    A dbeta = 0;
    for (i64 row = split; row < rows; row += splits) {
      const A g = up(dy[row * c + i]);
      dbeta += g;
      dgamma += g * (up(x[row * c + i]) - A(up(mean[row]))) * A(up(rstd[row]));
    }
    parts[(2 * split) * c + i] = dgamma;
    parts[(2 * split + 1) * c + i] = dbeta;
  }
}

template <class T, class P>
KT_FN void pair_finish(
    const Compute<T>* parts, P* first, P* second, i64 c, i64 splits) {
  typedef Compute<T> A;
  for (i64 i = thread_number(); i < c; i += thread_count()) {
    A a = 0;
    A b = 0;
    for (i64 s = 0; s < splits; ++s) {
      a += parts[(2 * s) * c + i];
      b += parts[(2 * s + 1) * c + i];
    }
    first[i] = convert<P>(a);
    second[i] = convert<P>(b);
  }
}

// -- batch normalisation ------------------------------------------------------
// Mean and sum of squared differences of each split (Welford 1962), joined as
// Chan, Golub and LeVeque (1979) have it. parts: [splits, 2, c].

template <class T>
KT_FN void batch_norm_parts(
    const T* x, Compute<T>* parts, i64 rows, i64 c, i64 splits) {
  typedef Compute<T> A;
  for (i64 item = thread_number(); item < c * splits; item += thread_count()) {
    const i64 i = item % c;
    const i64 split = item / c;
    A mean = 0;
    A squares = 0;
    A n = 0;
    for (i64 row = split; row < rows; row += splits) {
      const A value = up(x[row * c + i]);
      const A difference = value - mean;
      n += A(1);
      mean += difference / n;
      squares += difference * (value - mean);
    }
    parts[(2 * split) * c + i] = mean;
    parts[(2 * split + 1) * c + i] = squares;
  }
}

// stats: [2, c], as exact as they were computed.
template <class T, class S>
KT_FN void batch_norm_moments(
    const Compute<T>* parts, Compute<T>* stats, S* mean_out, S* variance_out,
    i64 rows, i64 c, i64 splits) {
  typedef Compute<T> A;
  for (i64 i = thread_number(); i < c; i += thread_count()) {
    A mean = 0;
    A squares = 0;
    A n = 0;
    for (i64 s = 0; s < splits; ++s) {
      const A m = A((rows - s + splits - 1) / splits);  // rows of this split
      const A difference = parts[(2 * s) * c + i] - mean;
      const A total = n + m;
      mean += difference * (m / total);
      squares += parts[(2 * s + 1) * c + i] + difference * difference * (n * m / total);
      n = total;
    }
    const A variance = squares / n;
    stats[i] = mean;
    stats[c + i] = variance;
    mean_out[i] = convert<S>(mean);
    variance_out[i] = convert<S>(variance);
  }
}

template <class T, class P, class S>
KT_FN void batch_norm_apply(
    const T* x, const P* gamma, const P* beta, const S* mean, const S* variance,
    T* y, i64 rows, i64 c, f64 epsilon) {
  typedef Compute<T> A;
  for (i64 at = thread_number(); at < rows * c; at += thread_count()) {
    const i64 i = at % c;
    const A scale = A(up(gamma[i])) * inverse_deviation(A(up(variance[i])), epsilon);
    y[at] = convert<T>((up(x[at]) - A(up(mean[i]))) * scale + A(up(beta[i])));
  }
}

// parts: [splits, 2, c] of sum(dy * (x - mean) * r) and sum(dy).
template <class T, class S>
KT_FN void batch_norm_grad_parts(
    const T* x, const S* mean, const S* variance, const T* dy,
    Compute<T>* parts, i64 rows, i64 c, i64 splits, f64 epsilon) {
  typedef Compute<T> A;
  for (i64 item = thread_number(); item < c * splits; item += thread_count()) {
    const i64 i = item % c;
    const i64 split = item / c;
    const A m = A(up(mean[i]));
    const A r = inverse_deviation(A(up(variance[i])), epsilon);
    A dgamma = 0;
    A dbeta = 0;
    for (i64 row = split; row < rows; row += splits) {
      const A g = up(dy[row * c + i]);
      dbeta += g;
      dgamma += g * (up(x[row * c + i]) - m) * r;
    }
    parts[(2 * split) * c + i] = dgamma;
    parts[(2 * split + 1) * c + i] = dbeta;
  }
}

// sums: [2, c] of dgamma and dbeta. With r = 1 / deviation, h = (x - mean) * r:
//   dx = gamma * r * (dy - dbeta / rows - h * dgamma / rows)
template <class T, class P, class S>
KT_FN void batch_norm_dx(
    const T* x, const P* gamma, const S* mean, const S* variance, const T* dy,
    const Compute<T>* sums, T* dx, i64 rows, i64 c, f64 epsilon) {
  typedef Compute<T> A;
  const A m = A(1) / A(rows);
  for (i64 at = thread_number(); at < rows * c; at += thread_count()) {
    const i64 i = at % c;
    const A r = inverse_deviation(A(up(variance[i])), epsilon);
    const A h = (up(x[at]) - A(up(mean[i]))) * r;
    dx[at] = convert<T>(
        A(up(gamma[i])) * r * (up(dy[at]) - sums[c + i] * m - h * (sums[i] * m)));
  }
}
)cuda";
}

}  // namespace keratin::cuda
