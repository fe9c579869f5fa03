// Zuiderveld, "Contrast limited adaptive histogram equalization", Graphics gems
// IV, 1994, as Keras computes it: in float32.

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "layers/preprocessing/image_layer.hpp"
#include "layers/support/factories.hpp"

namespace keratin::layers {

namespace {

/// One axis cut into tiles of equal length, the last filled up by reflection.
struct Tiling {
  Tiling(std::int64_t extent, std::int64_t count)
      : tiles(count),
        length((extent + count - 1) / count),
        padded(length * count),
        pixels(extent) {}

  /// The pixel in each place of the tiles.
  std::vector<std::int32_t> sources() const {
    std::vector<std::int32_t> out;
    for (std::int64_t i = 0; i < padded; ++i) {
      const std::int64_t at = i < pixels ? i : 2 * pixels - 1 - i;
      out.push_back(static_cast<std::int32_t>(
          std::clamp<std::int64_t>(at, 0, pixels - 1)));
    }
    return out;
  }

  /// For each pixel, the tile before (0) or after (1) it by the tiles' centres.
  std::vector<std::int32_t> neighbours(std::int64_t which) const {
    std::vector<std::int32_t> out;
    for (std::int64_t i = 0; i < pixels; ++i) {
      const auto tile = static_cast<std::int64_t>(std::floor(place(i))) + which;
      out.push_back(static_cast<std::int32_t>(
          std::clamp<std::int64_t>(tile, 0, tiles - 1)));
    }
    return out;
  }

  /// The weight of the tile after it.
  std::vector<float> weights() const {
    std::vector<float> out;
    for (std::int64_t i = 0; i < pixels; ++i) {
      out.push_back(place(i) - std::floor(place(i)));
    }
    return out;
  }

  std::int64_t tiles;
  std::int64_t length;
  std::int64_t padded;
  std::int64_t pixels;

 private:
  float place(std::int64_t pixel) const {
    const auto size = static_cast<float>(length);
    return (static_cast<float>(pixel) - size / 2) / size;
  }
};

class ClaheImpl final : public ImageLayer {
 public:
  ClaheImpl() = default;

  explicit ClaheImpl(const ClaheOptions& options)
      : ImageLayer(options),
        value_range_(options.value_range.config()),
        clip_limit_(options.clip_limit),
        tile_grid_size_(options.tile_grid_size) {
    settle();
  }

  std::string class_name() const override {
    return "ContrastLimitedAdaptiveHistogramEqualization";
  }

  void fields(FieldVisitor& visit) override {
    ImageLayer::fields(visit);
    visit("value_range", value_range_);
    visit("clip_limit", clip_limit_);
    visit("tile_grid_size", tile_grid_size_);
  }

  Transformation transformation(const Draw& draw) const override {
    (void)draw;
    return {.images = [this](const Value& image) {
      const Value x = ops::cast(
          change_range(image, values_, {0, 255}, DType::f32), DType::f32);
      const Value y = change_range(equalized(x), {0, 255}, values_, DType::f32);
      return ops::cast(y, image.dtype());
    }};
  }

 protected:
  void settle() override {
    ImageLayer::settle();
    values_ = value_range(value_range_);
    if (tile_grid_size_.size() != 2 || tile_grid_size_[0] < 1 ||
        tile_grid_size_[1] < 1) {
      fail(format(
          "expected tile_grid_size to be two numbers >= 1, got {}",
          Config::ints(tile_grid_size_).dump()));
    }
  }

  bool works_always() const override { return true; }

  bool keeps_integers() const override { return true; }

  bool is_random() const override { return false; }

 private:
  static constexpr std::int64_t kBins = 256;

  Value equalized(const Value& x) const {
    const Tiling rows(x.shape()[1], tile_grid_size_[0]);
    const Tiling columns(x.shape()[2], tile_grid_size_[1]);
    const std::int64_t n = x.shape()[0];
    const std::int64_t channels = x.shape()[3];
    Graph& graph = x.graph();
    const auto ints = [&](const std::vector<std::int32_t>& values) {
      return ops::constant(graph, Tensor(values));
    };
    const Value levels = ops::cast(ops::clip(x, 0, 255), DType::i32);
    const auto number = [](std::int64_t value) {
      return static_cast<double>(value);
    };
    // A histogram of each tile: [n, rows, columns, channels, bins].
    const std::int64_t count = n * rows.tiles * columns.tiles * channels;
    const Value image = ops::iota(graph, {n, 1, 1, 1}, 0, DType::i32);
    const Value channel = ops::iota(graph, {1, 1, 1, channels}, 3, DType::i32);
    const auto bin =
        [&](const Value& row, const Value& column, const Value& level) {
          const Value tile = (image * number(rows.tiles) +
                              ops::reshape(row, {1, row.shape()[0], 1, 1})) *
                                 number(columns.tiles) +
                             ops::reshape(column, {1, 1, column.shape()[0], 1});
          return (tile * number(channels) + channel) * number(kBins) + level;
        };
    const auto tile_of = [&](const Tiling& axis) {
      std::vector<std::int32_t> tiles;
      for (std::int64_t i = 0; i < axis.padded; ++i) {
        tiles.push_back(static_cast<std::int32_t>(i / axis.length));
      }
      return ints(tiles);
    };
    const Value filled = ops::take(
        ops::take(levels, ints(rows.sources()), 1), ints(columns.sources()), 2);
    const Value places = bin(tile_of(rows), tile_of(columns), filled);
    const Value flat = ops::reshape(places, {places.shape().size()});
    Value histogram = ops::reshape(
        ops::scatter_add(
            flat, ops::ones_like(ops::cast(flat, DType::f32)), {count * kBins}),
        {count, kBins});
    const double area = number(rows.length * columns.length);
    if (clip_limit_ > 0) {
      const Value clipped =
          ops::clip(histogram, 0, clip_limit_ * area / number(kBins));
      histogram =
          clipped + ops::sum(histogram - clipped, {1}, true) / number(kBins);
    }
    const Value sums = ops::cumsum(histogram);
    const Value least = ops::min(sums, {1}, true);
    const Value rest = area - least;
    const Value table = ops::reshape(
        ops::clip(
            (sums - least) * 255.0 /
                ops::where(ops::equal(rest, 0.0), ops::ones_like(rest), rest),
            0,
            255),
        {count * kBins});
    // Between the centres of the four tiles around each pixel.
    const auto weights = [&](const Tiling& axis, const Shape& shape) {
      return ops::constant(graph, Tensor(axis.weights(), shape));
    };
    const Value down = weights(rows, {1, rows.pixels, 1, 1});
    const Value across = weights(columns, {1, 1, columns.pixels, 1});
    const auto read = [&](std::int64_t row, std::int64_t column) {
      return ops::take(
          table,
          bin(ints(rows.neighbours(row)),
              ints(columns.neighbours(column)),
              levels));
    };
    const auto line = [&](std::int64_t row) {
      return read(row, 0) * (1.0 - across) + read(row, 1) * across;
    };
    return line(0) * (1.0 - down) + line(1) * down;
  }

  Config value_range_ = range_config({0, 255});
  double clip_limit_ = 4;
  std::vector<std::int64_t> tile_grid_size_ = {8, 8};
  Range values_;
};

}  // namespace

std::shared_ptr<LayerImpl>
make_contrast_limited_adaptive_histogram_equalization() {
  return std::make_shared<ClaheImpl>();
}

ContrastLimitedAdaptiveHistogramEqualization::
    ContrastLimitedAdaptiveHistogramEqualization(ClaheOptions options)
    : Layer(std::make_shared<ClaheImpl>(options)) {}

}  // namespace keratin::layers
