#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "layers/support/keras_layer.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

/// A layer over `rank` spatial axes whose data_format says where the channels
/// are.
class SpatialLayer : public KerasLayer {
 public:
  explicit SpatialLayer(std::size_t rank) : rank_(rank) {}

  template <class Options>
  SpatialLayer(std::size_t rank, const Options& options)
      : KerasLayer(options), rank_(rank), data_format_(options.data_format) {}

 protected:
  std::size_t rank() const { return rank_; }

  bool channels_first() const { return data_format_ == "channels_first"; }

  /// "Conv" -> "Conv2D".
  std::string ranked(const char* stem, const char* tail = "") const {
    return format("{}{}D{}", stem, rank_, tail);
  }

  void visit_data_format(FieldVisitor& visit) {
    visit(
        "data_format",
        data_format_,
        {.choices = {"channels_last", "channels_first"}});
  }

  /// One number per spatial axis, as configs hold them.
  void settle_dims(Dims& dims, const char* what, std::int64_t minimum = 1) {
    dims = Dims(dims.resolve(rank_, who(), what, minimum));
  }

  void expect_spatial(const std::vector<Shape>& inputs) const {
    expect_rank(inputs, rank_ + 2);
  }

  std::int64_t channels_of(const Shape& input) const {
    return known_dim(input, channels_first() ? 1 : -1);
  }

  void expect_channels(const Value& x, std::int64_t expected) const {
    expect_dim(x, channels_first() ? 1 : -1, expected);
  }

  /// x with the channels last, and a result back in the layer's format.
  Value to_last(const Value& x) const {
    return channels_first() ? channels_to_last(x) : x;
  }

  Value from_last(const Value& x) const {
    return channels_first() ? channels_to_first(x) : x;
  }

  /// The spatial extents of a channels-last value.
  std::vector<std::int64_t> extents(const Value& x) const {
    return {x.shape().begin() + 1, x.shape().end() - 1};
  }

 private:
  std::size_t rank_;
  std::string data_format_ = "channels_last";
};

}  // namespace keratin::layers
