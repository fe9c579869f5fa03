#include "src/backends/cuda/kernels/kernels.hpp"

namespace keratin::cuda {

std::string_view window_family() {
  return R"cuda(
// A convolution or pooling with three spatial axes; missing ones lead, with
// extent 1. x: [batch, x0, x1, x2, channels], y: [batch, y0, y1, y2, filters].
struct Window {
  i64 batch, channels, filters, groups;
  i32 x0, x1, x2;
  i32 y0, y1, y2;
  i32 k0, k1, k2;
  i32 s0, s1, s2;
  i32 p0, p1, p2;
  i32 d0, d1, d2;
  KT_MEMBER i64 x_points() const { return i64(x0) * x1 * x2; }
  KT_MEMBER i64 y_points() const { return i64(y0) * y1 * y2; }
  KT_MEMBER i32 taps() const { return k0 * k1 * k2; }
  // Where tap `k` of window `o` reads along an axis, or -1 outside.
  static KT_MEMBER i32 source(i32 o, i32 k, i32 x, i32 s, i32 p, i32 d) {
    const i32 at = o * s - p + k * d;
    return at >= 0 && at < x ? at : -1;
  }
  // The window whose tap `k` reads `at` along an axis, or -1.
  static KT_MEMBER i32 window(i32 at, i32 k, i32 y, i32 s, i32 p, i32 d) {
    const i32 scaled = at + p - k * d;
    if (scaled < 0 || scaled % s != 0) return -1;
    return scaled / s < y ? scaled / s : -1;
  }
  // Flat point of x that tap `tap` of window `point` reads, or -1.
  KT_MEMBER i64 read_at(i64 point, i32 tap) const {
    const i32 a = source(i32(point / (i64(y1) * y2)), tap / (k1 * k2), x0, s0, p0, d0);
    const i32 b = source(i32(point / y2 % y1), tap / k2 % k1, x1, s1, p1, d1);
    const i32 c = source(i32(point % y2), tap % k2, x2, s2, p2, d2);
    return a < 0 || b < 0 || c < 0 ? -1 : (i64(a) * x1 + b) * x2 + c;
  }
  // Flat window that reads `point` of x by tap `tap`, or -1.
  KT_MEMBER i64 read_by(i64 point, i32 tap) const {
    const i32 a = window(i32(point / (i64(x1) * x2)), tap / (k1 * k2), y0, s0, p0, d0);
    const i32 b = window(i32(point / x2 % x1), tap / k2 % k1, y1, s1, p1, d1);
    const i32 c = window(i32(point % x2), tap % k2, y2, s2, p2, d2);
    return a < 0 || b < 0 || c < 0 ? -1 : (i64(a) * y1 + b) * y2 + c;
  }
};

// -- pooling: one thread a result ---------------------------------------------

// The point that holds the first largest element of a window; NaN wins.
template <class T>
KT_FN i64 first_largest(const T* x, const Window& w, i64 point) {
  i64 best = -1;
  Compute<T> largest = 0;
  for (i32 tap = 0; tap < w.taps(); ++tap) {
    const i64 at = w.read_at(point, tap);
    if (at < 0) continue;
    const Compute<T> value = up(x[at * w.channels]);
    const bool is_nan = value != value && largest == largest;
    if (best < 0 || value > largest || is_nan) {
      best = at;
      largest = value;
    }
  }
  return best;
}
KT_FN i32 elements_of(const Window& w, i64 point) {
  i32 count = 0;
  for (i32 tap = 0; tap < w.taps(); ++tap) count += w.read_at(point, tap) >= 0;
  return count;
}

template <class T> KT_FN void max_pool(const T* x, T* y, const Window w) {
  const i64 n = w.batch * w.y_points() * w.channels;
  for (i64 i = thread_number(); i < n; i += thread_count()) {
    const i64 c = i % w.channels;
    const i64 point = i / w.channels % w.y_points();
    const T* from = x + (i / w.channels / w.y_points()) * w.x_points() * w.channels + c;
    y[i] = from[first_largest(from, w, point) * w.channels];
  }
}
template <class T>
KT_FN void max_pool_grad(const T* x, const T* dy, T* dx, const Window w) {
  const i64 n = w.batch * w.x_points() * w.channels;
  for (i64 i = thread_number(); i < n; i += thread_count()) {
    const i64 c = i % w.channels;
    const i64 point = i / w.channels % w.x_points();
    const i64 image = i / w.channels / w.x_points();
    const T* from = x + image * w.x_points() * w.channels + c;
    const T* grads = dy + image * w.y_points() * w.channels + c;
    Sum<T> sum = Sum<T>(0);
    for (i32 tap = 0; tap < w.taps(); ++tap) {
      const i64 o = w.read_by(point, tap);
      if (o >= 0 && first_largest(from, w, o) == point) sum += widen(grads[o * w.channels]);
    }
    dx[i] = convert<T>(sum);
  }
}
template <class T> KT_FN void average_pool(const T* x, T* y, const Window w) {
  const i64 n = w.batch * w.y_points() * w.channels;
  for (i64 i = thread_number(); i < n; i += thread_count()) {
    const i64 c = i % w.channels;
    const i64 point = i / w.channels % w.y_points();
    const T* from = x + (i / w.channels / w.y_points()) * w.x_points() * w.channels + c;
    Sum<T> sum = Sum<T>(0);
    i32 count = 0;
    for (i32 tap = 0; tap < w.taps(); ++tap) {
      const i64 at = w.read_at(point, tap);
      if (at < 0) continue;
      sum += widen(from[at * w.channels]);
      ++count;
    }
    y[i] = convert<T>(Sum<T>(sum / Sum<T>(count)));
  }
}
template <class T>
KT_FN void average_pool_grad(const T* dy, T* dx, const Window w) {
  const i64 n = w.batch * w.x_points() * w.channels;
  for (i64 i = thread_number(); i < n; i += thread_count()) {
    const i64 c = i % w.channels;
    const i64 point = i / w.channels % w.x_points();
    const T* grads = dy + (i / w.channels / w.x_points()) * w.y_points() * w.channels + c;
    Sum<T> sum = Sum<T>(0);
    for (i32 tap = 0; tap < w.taps(); ++tap) {
      const i64 o = w.read_by(point, tap);
      if (o >= 0) sum += widen(grads[o * w.channels]) / Sum<T>(elements_of(w, o));
    }
    dx[i] = convert<T>(sum);
  }
}

// -- convolution by plain loops: what cuDNN does not take ---------------------
// w: [taps, channels / groups, filters]

template <class T>
KT_FN void plain_conv(const T* x, const T* weights, T* y, const Window w) {
  const i64 depth = w.channels / w.groups;
  const i64 width = w.filters / w.groups;
  const i64 n = w.batch * w.y_points() * w.filters;
  for (i64 i = thread_number(); i < n; i += thread_count()) {
    const i64 f = i % w.filters;
    const i64 point = i / w.filters % w.y_points();
    const T* image = x + (i / w.filters / w.y_points()) * w.x_points() * w.channels +
                     f / width * depth;
    Sum<T> sum = Sum<T>(0);
    for (i32 tap = 0; tap < w.taps(); ++tap) {
      const i64 at = w.read_at(point, tap);
      if (at < 0) continue;
      for (i64 c = 0; c < depth; ++c) {
        sum += widen(image[at * w.channels + c]) *
               widen(weights[(tap * depth + c) * w.filters + f]);
      }
    }
    y[i] = convert<T>(sum);
  }
}
template <class T>
KT_FN void plain_conv_data(const T* dy, const T* weights, T* dx, const Window w) {
  const i64 depth = w.channels / w.groups;
  const i64 width = w.filters / w.groups;
  const i64 n = w.batch * w.x_points() * w.channels;
  for (i64 i = thread_number(); i < n; i += thread_count()) {
    const i64 c = i % w.channels;
    const i64 point = i / w.channels % w.x_points();
    const T* image = dy + (i / w.channels / w.x_points()) * w.y_points() * w.filters;
    const i64 first = c / depth * width;
    Sum<T> sum = Sum<T>(0);
    for (i32 tap = 0; tap < w.taps(); ++tap) {
      const i64 o = w.read_by(point, tap);
      if (o < 0) continue;
      for (i64 f = first; f < first + width; ++f) {
        sum += widen(image[o * w.filters + f]) *
               widen(weights[(tap * depth + c % depth) * w.filters + f]);
      }
    }
    dx[i] = convert<T>(sum);
  }
}
// A block a weight.
template <class T>
KT_FN void plain_conv_weights(const T* x, const T* dy, T* dw, const Window w) {
  const i64 depth = w.channels / w.groups;
  const i64 width = w.filters / w.groups;
  const auto group = Group<256>::make();
  for (i64 i = group.item; i < w.taps() * depth * w.filters; i += group.step) {
    const i64 f = i % w.filters;
    const i64 c = i / w.filters % depth + f / width * depth;
    const i32 tap = i32(i / w.filters / depth);
    Sum<T> sum = Sum<T>(0);
    for (i64 p = group.lane; p < w.batch * w.y_points(); p += 256) {
      const i64 at = w.read_at(p % w.y_points(), tap);
      if (at < 0) continue;
      sum += widen(x[(p / w.y_points() * w.x_points() + at) * w.channels + c]) *
             widen(dy[p * w.filters + f]);
    }
    sum = group_join<256>(sum, JoinSum());
    if (group.lane == 0) dw[i] = convert<T>(sum);
  }
}
)cuda";
}

}  // namespace keratin::cuda
