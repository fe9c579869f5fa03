// Images read at computed places: affine and perspective transforms,
// map_coordinates. What is outside follows TensorFlow's kernels.

#include <cmath>
#include <utility>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/ops_image.hpp>

#include "layers/preprocessing/image_values.hpp"
#include "src/core/format.hpp"

namespace keratin::ops::image {

void expect_choice(
    const char* who,
    const char* what,
    const std::string& value,
    std::initializer_list<const char*> choices) {
  std::string list;
  for (const char* choice : choices) {
    if (value == choice) return;
    list += format("{}\"{}\"", list.empty() ? "" : ", ", choice);
  }
  throw InvalidArgument(format(
      "[{}] expected {} to be one of {}, got \"{}\"", who, what, list, value));
}

Value on_batch(
    const char* who,
    const Value& images,
    const std::string& data_format,
    const std::function<Value(const Value&)>& f) {
  expect_choice(
      who, "data_format", data_format, {"channels_last", "channels_first"});
  if (images.rank() != 3 && images.rank() != 4) {
    throw InvalidArgument(format(
        "[{}] expected one image of rank 3 or a batch of rank 4, got {}{}",
        who,
        images.dtype(),
        images.shape()));
  }
  const bool single = images.rank() == 3;
  const bool first = data_format == "channels_first";
  Value x = single ? expand_dims(images, 0) : images;
  if (first) x = transpose(x, {0, 2, 3, 1});
  Value y = f(x);
  if (first) y = transpose(y, {0, 3, 1, 2});
  return single ? squeeze(y, {0}) : y;
}

Value round_away(const Value& x) {
  const Value size = abs(x);
  const Value down = floor(size);
  const Value up = cast(greater_equal(size - down, 0.5), x.dtype());
  return where(less(x, 0.0), -(down + up), down + up);
}

namespace {

constexpr DType kReal = DType::f32;  // TensorFlow's kernel knows no other

/// The coordinate moved into the image, an axis of `extent` pixels.
Value fold(const Value& at, std::int64_t extent, const std::string& mode) {
  if (mode == "constant") return at;
  const auto last = static_cast<double>(extent - 1);
  if (mode == "nearest") return clip(at, 0, last);
  if (extent <= 1) return zeros_like(at);
  Value inside;
  if (mode == "reflect") {
    // d c b a | a b c d | d c b a
    const auto length = static_cast<double>(extent);
    const double period = 2 * length;
    const Value low = at + floor(-at / period) * period;
    const Value low_in = where(less(low, -length), low + period, -low - 1.0);
    const Value high = at - floor(at / period) * period;
    const Value high_in =
        where(greater_equal(high, length), period - high - 1.0, high);
    inside =
        where(less(at, 0.0), low_in, where(greater(at, last), high_in, at));
  } else {
    // a b c d | a b c d | a b c d
    const auto length = static_cast<double>(extent);
    const Value low = at + (floor(-at / last) + 1.0) * length;
    const Value high = at - floor(at / last) * length;
    inside = where(less(at, 0.0), low, where(greater(at, last), high, at));
  }
  return clip(inside, 0, last);
}

/// Reads whole pixels of one batch of images.
class Reader {
 public:
  Reader(const Value& x, bool constant, double fill)
      : constant_(constant), fill_(fill) {
    batch_ = x.shape()[0];
    height_ = x.shape()[1];
    width_ = x.shape()[2];
    rows_ = reshape(cast(x, kReal), {batch_ * height_ * width_, x.shape()[3]});
  }

  /// At whole numbers [batch or 1, ...] in float32: [batch, ..., channels].
  Value operator()(const Value& at_y, const Value& at_x) const {
    const Value y =
        cast(clip(at_y, 0, static_cast<double>(height_ - 1)), DType::i32);
    const Value x =
        cast(clip(at_x, 0, static_cast<double>(width_ - 1)), DType::i32);
    const Value image = iota(y.graph(), {batch_, 1, 1}, 0, DType::i32);
    const Value index = (image * static_cast<double>(height_) + y) *
                            static_cast<double>(width_) +
                        x;
    const Value pixels = take(rows_, index, 0);
    if (!constant_) return pixels;
    const Value inside = logical_and(
        logical_and(
            greater_equal(at_y, 0.0), less(at_y, static_cast<double>(height_))),
        logical_and(
            greater_equal(at_x, 0.0), less(at_x, static_cast<double>(width_))));
    return where(expand_dims(inside, -1), pixels, scalar_like(pixels, fill_));
  }

 private:
  bool constant_;
  double fill_;
  std::int64_t batch_;
  std::int64_t height_;
  std::int64_t width_;
  Value rows_;
};

Value number(const Value& transform, std::int64_t index) {
  return reshape(
      slice_axis(transform, 1, index, index + 1), {transform.shape()[0], 1, 1});
}

void check_sampling(const char* who, const SampleOptions& options) {
  expect_choice(
      who, "interpolation", options.interpolation, {"nearest", "bilinear"});
  expect_choice(
      who,
      "fill_mode",
      options.fill_mode,
      {"constant", "nearest", "wrap", "reflect"});
}

Value project(
    const Value& x, const Value& transform, const SampleOptions& options) {
  const std::int64_t height = x.shape()[1];
  const std::int64_t width = x.shape()[2];
  const Value t = cast(transform, kReal);
  const Value px = iota(x.graph(), {1, 1, width}, 2, kReal);
  const Value py = iota(x.graph(), {1, height, 1}, 1, kReal);
  const Value k = number(t, 6) * px + number(t, 7) * py + 1.0;
  return sample(
      x,
      (number(t, 0) * px + number(t, 1) * py + number(t, 2)) / k,
      (number(t, 3) * px + number(t, 4) * py + number(t, 5)) / k,
      equal(k, 0.0),
      options.interpolation,
      options.fill_mode,
      options.fill_value);
}

}  // namespace

Value sample(
    const Value& x,
    const Value& at_x,
    const Value& at_y,
    const Value& outside,
    const std::string& interpolation,
    const std::string& fill_mode,
    double fill_value) {
  const Reader read(x, fill_mode == "constant", fill_value);
  Value gx = fold(at_x, x.shape()[2], fill_mode);
  Value gy = fold(at_y, x.shape()[1], fill_mode);
  if (outside) {
    gx = where(outside, scalar_like(gx, -9), gx);
    gy = where(outside, scalar_like(gy, -9), gy);
  }
  Value y;
  if (interpolation == "nearest") {
    y = read(round_away(gy), round_away(gx));
  } else {
    const Value left = floor(gx);
    const Value top = floor(gy);
    const Value right = left + 1.0;
    const Value bottom = top + 1.0;
    const auto share = [](const Value& v) { return expand_dims(v, -1); };
    const auto row = [&](const Value& at) {
      return share(right - gx) * read(at, left) +
             share(gx - left) * read(at, right);
    };
    y = share(bottom - gy) * row(top) + share(gy - top) * row(bottom);
  }
  if (outside) {
    y = where(expand_dims(outside, -1), scalar_like(y, fill_value), y);
  }
  return cast(y, x.dtype());
}

Value affine(
    const Value& x,
    const Value& transform,
    const std::string& interpolation,
    const std::string& fill_mode,
    double fill_value) {
  const Value t = cast(transform, kReal);
  const Value px = iota(x.graph(), {1, 1, x.shape()[2]}, 2, kReal);
  const Value py = iota(x.graph(), {1, x.shape()[1], 1}, 1, kReal);
  return sample(
      x,
      number(t, 0) * px + number(t, 1) * py + number(t, 2),
      number(t, 3) * px + number(t, 4) * py + number(t, 5),
      {},
      interpolation,
      fill_mode,
      fill_value);
}

Value affine_transform(
    const Value& images, const Value& transform, const SampleOptions& options) {
  const char* const who = "affine_transform";
  check_sampling(who, options);
  return on_batch(who, images, options.data_format, [&](const Value& x) {
    const Value t =
        transform.rank() == 1 ? expand_dims(transform, 0) : transform;
    if (t.rank() != 2 || t.shape()[1] != 8 ||
        (t.shape()[0] != 1 && t.shape()[0] != x.shape()[0])) {
      throw InvalidArgument(format(
          "[affine_transform] expected a transform [8] or [{},8], got {}",
          x.shape()[0],
          transform.shape()));
    }
    return project(x, t, options);
  });
}

Value compute_homography_matrix(const Value& start, const Value& end) {
  if (start.rank() != 3 || start.shape()[1] != 4 || start.shape()[2] != 2 ||
      start.shape() != end.shape()) {
    throw InvalidArgument(format(
        "[compute_homography_matrix] expected two arrays [batch,4,2], got {} "
        "and {}",
        start.shape(),
        end.shape()));
  }
  const std::int64_t n = start.shape()[0];
  using Matrix = std::vector<Value>;  // 3 x 3
  // The unit square onto four points (Heckbert, "Fundamentals of texture
  // mapping", 1989, 2.2.3). In float64, as Keras solves eight equations.
  const auto from_square = [&](const Value& points) -> Matrix {
    const Value p = cast(points, DType::f64);
    const auto at = [&](std::int64_t corner, std::int64_t axis) {
      return reshape(
          slice(p, {0, corner, axis}, {n, corner + 1, axis + 1}), {n});
    };
    // Corners (0, 0), (1, 0), (1, 1), (0, 1) of the square.
    const Value x0 = at(0, 0), y0 = at(0, 1), x1 = at(1, 0), y1 = at(1, 1);
    const Value x2 = at(3, 0), y2 = at(3, 1), x3 = at(2, 0), y3 = at(2, 1);
    const Value dx1 = x1 - x2, dx2 = x3 - x2, dy1 = y1 - y2, dy2 = y3 - y2;
    const Value sx = x0 - x1 + x2 - x3, sy = y0 - y1 + y2 - y3;
    const Value area = dx1 * dy2 - dx2 * dy1;
    const Value g = (sx * dy2 - dx2 * sy) / area;
    const Value h = (dx1 * sy - sx * dy1) / area;
    return {
        x1 - x0 + g * x1,
        x3 - x0 + h * x3,
        x0,
        y1 - y0 + g * y1,
        y3 - y0 + h * y3,
        y0,
        g,
        h,
        ones_like(g)};
  };
  const Matrix s = from_square(start);
  const Matrix e = from_square(end);
  const auto minor = [&](int a, int b, int c, int d) {
    return e[static_cast<std::size_t>(a)] * e[static_cast<std::size_t>(b)] -
           e[static_cast<std::size_t>(c)] * e[static_cast<std::size_t>(d)];
  };
  // The inverse of e but for a factor.
  const Matrix inverse = {
      minor(4, 8, 5, 7),
      minor(2, 7, 1, 8),
      minor(1, 5, 2, 4),
      minor(5, 6, 3, 8),
      minor(0, 8, 2, 6),
      minor(2, 3, 0, 5),
      minor(3, 7, 4, 6),
      minor(1, 6, 0, 7),
      minor(0, 4, 1, 3)};
  Matrix product;
  for (std::size_t row = 0; row < 3; ++row) {
    for (std::size_t column = 0; column < 3; ++column) {
      Value sum = s[3 * row] * inverse[column];
      sum = sum + s[3 * row + 1] * inverse[3 + column];
      product.push_back(sum + s[3 * row + 2] * inverse[6 + column]);
    }
  }
  const Value last = product.back();
  product.pop_back();
  for (Value& value : product) value = value / last;
  return cast(stack(product, 1), start.dtype());
}

Value perspective_transform(
    const Value& images,
    const Value& start_points,
    const Value& end_points,
    const SampleOptions& options) {
  const char* const who = "perspective_transform";
  check_sampling(who, options);
  const auto batch = [](const Value& points) {
    return points.rank() == 2 ? expand_dims(points, 0) : points;
  };
  const Value transform = compute_homography_matrix(
      cast(batch(start_points), kReal), cast(batch(end_points), kReal));
  return on_batch(who, images, options.data_format, [&](const Value& x) {
    SampleOptions constant = options;
    constant.fill_mode = "constant";
    return project(x, transform, constant);
  });
}

namespace {

/// Keras's rule for whole coordinates outside; scipy's for "mirror", for which
/// Keras's reads past the end.
Value fold_index(
    const Value& at, std::int64_t extent, const std::string& mode) {
  const auto length = static_cast<double>(extent);
  if (mode == "constant" || mode == "nearest") return clip(at, 0, length - 1);
  if (mode == "wrap") return mod(at, scalar_like(at, length));
  if (mode == "mirror") {
    if (extent == 1) return zeros_like(at);
    const double period = 2 * (length - 1);
    const Value part = mod(abs(at), scalar_like(at, period));
    return minimum(part, period - part);
  }
  const Value part = mod(abs(at), scalar_like(at, 2 * length));
  return where(less(part, length), part, 2 * length - part - 1.0);
}

}  // namespace

Value map_coordinates(
    const Value& inputs,
    const Value& coordinates,
    int order,
    const std::string& fill_mode,
    double fill_value) {
  const char* const who = "map_coordinates";
  expect_choice(
      who,
      "fill_mode",
      fill_mode,
      {"constant", "nearest", "wrap", "mirror", "reflect"});
  if (order != 0 && order != 1) {
    throw InvalidArgument(
        format("[map_coordinates] expected order 0 or 1, got {}", order));
  }
  const auto rank = static_cast<std::int64_t>(inputs.rank());
  if (coordinates.rank() < 2 || coordinates.shape()[0] != rank) {
    throw InvalidArgument(format(
        "[map_coordinates] expected coordinates [{},...] for inputs {}, got {}",
        rank,
        inputs.shape(),
        coordinates.shape()));
  }

  struct Tap {
    Value index;  // along one axis, or into the flat array
    Value inside;
    Value weight;
  };

  const bool constant = fill_mode == "constant";
  const DType real = coordinates.dtype();
  std::vector<Tap> taps(1);
  for (std::int64_t axis = 0; axis < rank; ++axis) {
    const std::int64_t extent = inputs.shape()[static_cast<std::size_t>(axis)];
    const Value at = squeeze(slice_axis(coordinates, 0, axis, axis + 1), {0});
    std::vector<std::pair<Value, Value>> places;
    if (order == 0) {
      places = {{is_floating(real) ? round(at) : at, {}}};
    } else {
      const Value low = floor(at);
      const Value part = at - low;
      places = {{low, 1.0 - part}, {low + 1.0, part}};
    }
    std::vector<Tap> next;
    for (const Tap& tap : taps) {
      for (const auto& [place, weight] : places) {
        Tap made;
        const Value index =
            cast(fold_index(place, extent, fill_mode), DType::i32);
        made.index =
            tap.index ? tap.index * static_cast<double>(extent) + index : index;
        if (constant) {
          const Value inside = logical_and(
              greater_equal(place, 0.0),
              less(place, static_cast<double>(extent)));
          made.inside = tap.inside ? logical_and(tap.inside, inside) : inside;
        }
        made.weight = tap.weight && weight ? tap.weight * weight : weight;
        next.push_back(made);
      }
    }
    taps = std::move(next);
  }
  const Value flat = reshape(cast(inputs, real), {inputs.shape().size()});
  Value sum;
  for (const Tap& tap : taps) {
    Value term = take(flat, tap.index, 0);
    if (constant) {
      term = where(tap.inside, term, scalar_like(term, fill_value));
    }
    if (tap.weight) term = tap.weight * term;
    sum = sum ? sum + term : term;
  }
  if (!is_floating(inputs.dtype()) && is_floating(real)) sum = round(sum);
  return cast(sum, inputs.dtype());
}

}  // namespace keratin::ops::image
