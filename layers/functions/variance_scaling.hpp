#pragma once

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/initializers.hpp>
#include <keratin/random.hpp>

#include "layers/functions/random_fill.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

using OptionalSeed = std::optional<std::int64_t>;

inline std::uint64_t seed_or_next(const OptionalSeed& seed) {
  return seed ? static_cast<std::uint64_t>(*seed) : next_seed();
}

struct Fans {
  double in = 1;
  double out = 1;
};

inline double extent(
    const Shape& shape, const std::vector<std::int64_t>& axes) {
  double product = 1;
  for (const std::int64_t axis : axes) {
    product *= static_cast<double>(shape[shape.axis(axis, "initializer")]);
  }
  return product;
}

inline Fans fans_of(
    const Shape& shape,
    const std::optional<std::vector<std::int64_t>>& input_axes,
    const std::optional<std::vector<std::int64_t>>& output_axes) {
  if (input_axes && output_axes) {
    return {extent(shape, *input_axes), extent(shape, *output_axes)};
  }
  const std::size_t rank = shape.rank();
  if (rank == 0) return {};
  if (rank == 1) {
    const auto size = static_cast<double>(shape[0]);
    return {size, size};
  }
  double field = 1;
  for (std::size_t i = 0; i + 2 < rank; ++i) {
    field *= static_cast<double>(shape[i]);
  }
  return {
      field * static_cast<double>(shape[rank - 2]),
      field * static_cast<double>(shape[rank - 1])};
}

class VarianceScaling : public InitializerImpl {
 public:
  explicit VarianceScaling(initializers::VarianceScalingOptions options = {})
      : scale_(options.scale),
        mode_(std::move(options.mode)),
        distribution_(std::move(options.distribution)),
        seed_(options.seed),
        input_axes_(dims(options.input_axes)),
        output_axes_(dims(options.output_axes)) {
    check("VarianceScaling");
  }

  std::string class_name() const override { return "VarianceScaling"; }

  void fields(FieldVisitor& visit) override {
    visit("seed", seed_);
    visit("scale", scale_);
    visit("mode", mode_, {.choices = {"fan_in", "fan_out", "fan_avg"}});
    visit(
        "distribution",
        distribution_,
        {.choices = {
             "truncated_normal", "untruncated_normal", "uniform", "normal"}});
    fan_axes(visit);
  }

  void from_config(const Config& config, const std::string& where) override {
    InitializerImpl::from_config(config, where);
    check(where);
  }

  Tensor make(const Shape& shape, DType dtype) const override {
    const Fans fans = fans_of(shape, axes(input_axes_), axes(output_axes_));
    double fan = (fans.in + fans.out) / 2;
    if (mode_ == "fan_in") fan = fans.in;
    if (mode_ == "fan_out") fan = fans.out;
    const double variance = scale_ / std::max(1.0, fan);
    const std::uint64_t seed = seed_or_next(seed_);
    if (distribution_ == "uniform") {
      const double limit = std::sqrt(3 * variance);
      return fill_uniform(shape, dtype, -limit, limit, seed);
    }
    if (distribution_ == "untruncated_normal") {
      return fill_normal(shape, dtype, 0, std::sqrt(variance), seed);
    }
    // The standard deviation of a normal cut off at two.
    constexpr double kTruncated = 0.87962566103423978;
    return fill_truncated_normal(
        shape, dtype, 0, std::sqrt(variance) / kTruncated, seed);
  }

 protected:
  void fan_axes(FieldVisitor& visit) {
    visit("input_axes", input_axes_);
    visit("output_axes", output_axes_);
  }

  OptionalSeed& seed() { return seed_; }

 private:
  static Dims dims(const std::optional<std::vector<std::int64_t>>& axes) {
    return axes ? Dims(*axes) : Dims();
  }

  static std::optional<std::vector<std::int64_t>> axes(const Dims& dims) {
    if (!dims.given()) return {};
    return dims.values();
  }

  void check(const std::string& where) {
    if (!(scale_ > 0)) {
      throw InvalidArgument(
          format("[{}] expected scale > 0, got {}", where, scale_));
    }
    if (distribution_ == "normal") distribution_ = "truncated_normal";
    const std::string modes[] = {"fan_in", "fan_out", "fan_avg"};
    if (std::find(std::begin(modes), std::end(modes), mode_) ==
        std::end(modes)) {
      throw InvalidArgument(format(
          "[{}] expected mode fan_in, fan_out or fan_avg, got '{}'",
          where,
          mode_));
    }
    if (distribution_ != "truncated_normal" &&
        distribution_ != "untruncated_normal" && distribution_ != "uniform") {
      throw InvalidArgument(format(
          "[{}] expected distribution truncated_normal, untruncated_normal or "
          "uniform, got '{}'",
          where,
          distribution_));
    }
  }

  double scale_;
  std::string mode_;
  std::string distribution_;
  OptionalSeed seed_;
  Dims input_axes_;
  Dims output_axes_;
};

}  // namespace keratin::layers
