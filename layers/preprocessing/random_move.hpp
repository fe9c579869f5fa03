#pragma once

#include <string>

#include "layers/preprocessing/boxes.hpp"

namespace keratin::layers {

/// The base of layers that move pixels: fill_mode, interpolation, seed,
/// fill_value.
class RandomMove : public ImageLayer {
 public:
  RandomMove() = default;

  template <class Options>
  explicit RandomMove(const Options& options)
      : ImageLayer(options),
        fill_mode_(options.fill_mode),
        interpolation_(options.interpolation),
        fill_value_(options.fill_value) {
    seed_ = options.seed;
  }

 protected:
  void visit_move(FieldVisitor& visit) {
    visit(
        "fill_mode",
        fill_mode_,
        {.choices = {"reflect", "wrap", "constant", "nearest"}});
    visit(
        "interpolation", interpolation_, {.choices = {"nearest", "bilinear"}});
    visit_seed(visit);
    visit("fill_value", fill_value_);
  }

  Extent extent(const Draw& draw) const {
    return {draw.height(), draw.width()};
  }

  /// Images and masks (these by the nearest pixel) under a matrix [n, 8].
  Transformation by_matrix(const Value& matrix) const;

 private:
  std::string fill_mode_ = "reflect";
  std::string interpolation_ = "bilinear";
  double fill_value_ = 0;
};

/// The numbers of a matrix for each image, [n] each, and two zeros.
Value matrix_of(
    const Value& a0,
    const Value& a1,
    const Value& a2,
    const Value& b0,
    const Value& b1,
    const Value& b2);

}  // namespace keratin::layers
