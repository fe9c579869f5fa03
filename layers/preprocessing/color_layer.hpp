#pragma once

#include <memory>

#include "layers/preprocessing/image_layer.hpp"

namespace keratin::layers {

/// The base of layers that change colours: factor, value_range, seed. Masks and
/// boxes stay as they are.
class ColorLayer : public ImageLayer {
 public:
  explicit ColorLayer(Range bounds) : bounds_(bounds) {}

  ColorLayer(
      Range bounds, const Factor& factor, const RandomColorOptions& options)
      : ImageLayer(options),
        bounds_(bounds),
        factor_(factor.config()),
        value_range_(options.value_range.config()) {
    seed_ = options.seed;
  }

  void fields(FieldVisitor& visit) override;

 protected:
  void settle() override;

  const Range& factor() const { return range_; }

  const Range& values() const { return values_; }

 private:
  Range bounds_;
  Config factor_ = 0.0;
  Config value_range_ = range_config({0, 255});
  Range range_;
  Range values_;
};

/// RandomContrast by means over the height and, in place of the width, the
/// channels when `transposed`.
std::shared_ptr<ImageLayer> random_contrast_over(
    const Factor& factor, const RandomColorOptions& options, bool transposed);

}  // namespace keratin::layers
