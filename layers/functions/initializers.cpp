#include <algorithm>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/initializers.hpp>

#include "layers/audio/stft_initializer.hpp"
#include "layers/functions/random_fill.hpp"
#include "layers/functions/table.hpp"
#include "layers/functions/variance_scaling.hpp"

namespace keratin {

std::string InitializerImpl::module() const {
  return "keras.initializers";
}

namespace {

using layers::OptionalSeed;
using layers::seed_or_next;
using layers::VarianceScaling;

class ConstantImpl final : public InitializerImpl {
 public:
  explicit ConstantImpl(double value = 0) : value_(value) {}

  std::string class_name() const override { return "Constant"; }

  void fields(FieldVisitor& visit) override { visit("value", value_); }

  Tensor make(const Shape& shape, DType dtype) const override {
    return Tensor::full(dtype, shape, value_);
  }

 private:
  double value_;
};

class ZerosImpl final : public InitializerImpl {
 public:
  std::string class_name() const override { return "Zeros"; }

  Tensor make(const Shape& shape, DType dtype) const override {
    return Tensor(dtype, shape);
  }
};

class OnesImpl final : public InitializerImpl {
 public:
  std::string class_name() const override { return "Ones"; }

  Tensor make(const Shape& shape, DType dtype) const override {
    return Tensor::full(dtype, shape, 1);
  }
};

class RandomNormalImpl final : public InitializerImpl {
 public:
  explicit RandomNormalImpl(initializers::NormalOptions options = {})
      : o_(options) {}

  std::string class_name() const override { return "RandomNormal"; }

  void fields(FieldVisitor& visit) override {
    visit("seed", o_.seed);
    visit("mean", o_.mean);
    visit("stddev", o_.stddev);
  }

  Tensor make(const Shape& shape, DType dtype) const override {
    return layers::fill_normal(
        shape, dtype, o_.mean, o_.stddev, seed_or_next(o_.seed));
  }

 private:
  initializers::NormalOptions o_;
};

class TruncatedNormalImpl final : public InitializerImpl {
 public:
  explicit TruncatedNormalImpl(initializers::NormalOptions options = {})
      : o_(options) {}

  std::string class_name() const override { return "TruncatedNormal"; }

  void fields(FieldVisitor& visit) override {
    visit("seed", o_.seed);
    visit("mean", o_.mean);
    visit("stddev", o_.stddev);
  }

  Tensor make(const Shape& shape, DType dtype) const override {
    return layers::fill_truncated_normal(
        shape, dtype, o_.mean, o_.stddev, seed_or_next(o_.seed));
  }

 private:
  initializers::NormalOptions o_;
};

class RandomUniformImpl final : public InitializerImpl {
 public:
  explicit RandomUniformImpl(initializers::UniformOptions options = {})
      : o_(options) {}

  std::string class_name() const override { return "RandomUniform"; }

  void fields(FieldVisitor& visit) override {
    visit("seed", o_.seed);
    visit("minval", o_.minval);
    visit("maxval", o_.maxval);
  }

  Tensor make(const Shape& shape, DType dtype) const override {
    return layers::fill_uniform(
        shape, dtype, o_.minval, o_.maxval, seed_or_next(o_.seed));
  }

 private:
  initializers::UniformOptions o_;
};

/// A VarianceScaling with a name of its own: Glorot, He and Lecun.
struct Recipe {
  const char* name;
  double scale;
  const char* mode;
  const char* distribution;
};

constexpr Recipe kGlorotNormal = {
    "GlorotNormal", 1, "fan_avg", "truncated_normal"};
constexpr Recipe kGlorotUniform = {"GlorotUniform", 1, "fan_avg", "uniform"};
constexpr Recipe kHeNormal = {"HeNormal", 2, "fan_in", "truncated_normal"};
constexpr Recipe kHeUniform = {"HeUniform", 2, "fan_in", "uniform"};
constexpr Recipe kLecunNormal = {
    "LecunNormal", 1, "fan_in", "truncated_normal"};
constexpr Recipe kLecunUniform = {"LecunUniform", 1, "fan_in", "uniform"};

template <const Recipe& kRecipe>
class Named final : public VarianceScaling {
 public:
  explicit Named(initializers::FanOptions options = {})
      : VarianceScaling(
            {.scale = kRecipe.scale,
             .mode = kRecipe.mode,
             .distribution = kRecipe.distribution,
             .seed = options.seed,
             .input_axes = std::move(options.input_axes),
             .output_axes = std::move(options.output_axes)}) {}

  std::string class_name() const override { return kRecipe.name; }

  void fields(FieldVisitor& visit) override {
    visit("seed", seed());
    fan_axes(visit);
  }
};

class OrthogonalImpl final : public InitializerImpl {
 public:
  explicit OrthogonalImpl(initializers::OrthogonalOptions options = {})
      : o_(options) {}

  std::string class_name() const override { return "Orthogonal"; }

  void fields(FieldVisitor& visit) override {
    visit("seed", o_.seed);
    visit("gain", o_.gain);
  }

  Tensor make(const Shape& shape, DType dtype) const override {
    if (shape.rank() < 2) {
      throw InvalidArgument(
          format("[Orthogonal] expected a shape of rank >= 2, got {}", shape));
    }
    const std::int64_t columns = shape.back();
    const std::int64_t rows = columns == 0 ? 0 : shape.size() / columns;
    if (rows == 0) return Tensor(dtype, shape);
    const std::int64_t tall = std::max(rows, columns);
    const std::int64_t wide = std::min(rows, columns);
    const std::vector<double> q =
        layers::random_orthonormal(tall, wide, seed_or_next(o_.seed));
    Tensor out(DType::f64, shape);
    auto values = out.mutable_data<double>();
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < columns; ++j) {
        const std::int64_t from = rows < columns ? j * wide + i : i * wide + j;
        values[static_cast<std::size_t>(i * columns + j)] =
            o_.gain * q[static_cast<std::size_t>(from)];
      }
    }
    return out.cast(dtype);
  }

 private:
  initializers::OrthogonalOptions o_;
};

class IdentityImpl final : public InitializerImpl {
 public:
  explicit IdentityImpl(double gain = 1) : gain_(gain) {}

  std::string class_name() const override { return "Identity"; }

  void fields(FieldVisitor& visit) override { visit("gain", gain_); }

  /// Keras leaves the gain out; it is written where it matters.
  Config get_config() const override {
    Config config = InitializerImpl::get_config();
    if (gain_ == 1) config.erase("gain");
    return config;
  }

  Tensor make(const Shape& shape, DType dtype) const override {
    if (shape.rank() != 2) {
      throw InvalidArgument(
          format("[Identity] expected the shape of a matrix, got {}", shape));
    }
    Tensor out(DType::f64, shape);
    auto values = out.mutable_data<double>();
    for (std::int64_t i = 0; i < std::min(shape[0], shape[1]); ++i) {
      values[static_cast<std::size_t>(i * shape[1] + i)] = gain_;
    }
    return out.cast(dtype);
  }

 private:
  double gain_;
};

/// A function of the user's own; cannot be saved.
class FromFunction final : public InitializerImpl {
 public:
  explicit FromFunction(std::function<Tensor(const Shape&, DType)> function)
      : function_(std::move(function)) {}

  std::string class_name() const override { return "function"; }

  Config get_config() const override {
    throw InvalidArgument(
        "[initializer] an initializer made from a function cannot be saved; "
        "use one of keratin::initializers");
  }

  Tensor make(const Shape& shape, DType dtype) const override {
    Tensor out = function_(shape, dtype);
    if (out.shape() != shape) {
      throw InvalidArgument(format(
          "[initializer] expected a function that makes {}, got {}",
          shape,
          out.shape()));
    }
    return out.cast(dtype);
  }

 private:
  std::function<Tensor(const Shape&, DType)> function_;
};

template <class T>
constexpr auto kMake = &layers::make_entry<InitializerImpl, T>;

constexpr layers::Entry<InitializerImpl> kEntries[] = {
    {"Constant", kMake<ConstantImpl>},
    {"GlorotNormal", kMake<Named<kGlorotNormal>>},
    {"GlorotUniform", kMake<Named<kGlorotUniform>>},
    {"HeNormal", kMake<Named<kHeNormal>>},
    {"HeUniform", kMake<Named<kHeUniform>>},
    {"Identity", kMake<IdentityImpl>},
    {"IdentityInitializer", kMake<IdentityImpl>},
    {"LecunNormal", kMake<Named<kLecunNormal>>},
    {"LecunUniform", kMake<Named<kLecunUniform>>},
    {"Ones", kMake<OnesImpl>},
    {"Orthogonal", kMake<OrthogonalImpl>},
    {"OrthogonalInitializer", kMake<OrthogonalImpl>},
    {"RandomNormal", kMake<RandomNormalImpl>},
    {"RandomUniform", kMake<RandomUniformImpl>},
    {"STFT", kMake<layers::STFTInitializer>},
    {"STFTInitializer", kMake<layers::STFTInitializer>},
    {"TruncatedNormal", kMake<TruncatedNormalImpl>},
    {"VarianceScaling", kMake<VarianceScaling>},
    {"Zeros", kMake<ZerosImpl>},
    {"constant", kMake<ConstantImpl>},
    {"glorot_normal", kMake<Named<kGlorotNormal>>},
    {"glorot_uniform", kMake<Named<kGlorotUniform>>},
    {"he_normal", kMake<Named<kHeNormal>>},
    {"he_uniform", kMake<Named<kHeUniform>>},
    {"identity", kMake<IdentityImpl>},
    {"lecun_normal", kMake<Named<kLecunNormal>>},
    {"lecun_uniform", kMake<Named<kLecunUniform>>},
    {"normal", kMake<RandomNormalImpl>},
    {"one", kMake<OnesImpl>},
    {"ones", kMake<OnesImpl>},
    {"orthogonal", kMake<OrthogonalImpl>},
    {"random_normal", kMake<RandomNormalImpl>},
    {"random_uniform", kMake<RandomUniformImpl>},
    {"stft", kMake<layers::STFTInitializer>},
    {"truncated_normal", kMake<TruncatedNormalImpl>},
    {"uniform", kMake<RandomUniformImpl>},
    {"variance_scaling", kMake<VarianceScaling>},
    {"zero", kMake<ZerosImpl>},
    {"zeros", kMake<ZerosImpl>},
};

std::span<const layers::Entry<InitializerImpl>> entries() {
  return kEntries;
}

}  // namespace

Initializer::Initializer() = default;

Initializer::Initializer(const char* name) : Initializer(std::string(name)) {}

Initializer::Initializer(std::string name)
    : impl_(layers::make_from_config(
          entries(), Config(std::move(name)), "initializer", "initializer")) {}

Initializer::Initializer(std::shared_ptr<const InitializerImpl> impl)
    : impl_(std::move(impl)) {}

Initializer::Initializer(std::function<Tensor(const Shape&, DType)> function)
    : impl_(std::make_shared<const FromFunction>(std::move(function))) {}

Tensor Initializer::operator()(const Shape& shape, DType dtype) const {
  return impl_->make(shape, dtype);
}

Config Initializer::to_config() const {
  return impl_ ? serialize(*impl_) : Config();
}

void Initializer::from_config(const Config& config, const std::string& where) {
  if (config.is_null()) {
    impl_ = nullptr;
  } else {
    impl_ = layers::make_from_config(entries(), config, "initializer", where);
  }
}

Config Initializer::schema() const {
  return layers::entry_schema(entries());
}

std::vector<std::string> initializer_names() {
  return layers::entry_names(entries());
}

namespace initializers {

Initializer Zeros() {
  return {std::make_shared<const ZerosImpl>()};
}

Initializer Ones() {
  return {std::make_shared<const OnesImpl>()};
}

Initializer Constant(double value) {
  return {std::make_shared<const ConstantImpl>(value)};
}

Initializer RandomNormal(NormalOptions options) {
  return {std::make_shared<const RandomNormalImpl>(options)};
}

Initializer RandomUniform(UniformOptions options) {
  return {std::make_shared<const RandomUniformImpl>(options)};
}

Initializer TruncatedNormal(NormalOptions options) {
  return {std::make_shared<const TruncatedNormalImpl>(options)};
}

Initializer VarianceScaling(VarianceScalingOptions options) {
  return {std::make_shared<const keratin::VarianceScaling>(std::move(options))};
}

Initializer GlorotUniform(FanOptions options) {
  return {std::make_shared<const Named<kGlorotUniform>>(std::move(options))};
}

Initializer GlorotNormal(FanOptions options) {
  return {std::make_shared<const Named<kGlorotNormal>>(std::move(options))};
}

Initializer HeUniform(FanOptions options) {
  return {std::make_shared<const Named<kHeUniform>>(std::move(options))};
}

Initializer HeNormal(FanOptions options) {
  return {std::make_shared<const Named<kHeNormal>>(std::move(options))};
}

Initializer LecunUniform(FanOptions options) {
  return {std::make_shared<const Named<kLecunUniform>>(std::move(options))};
}

Initializer LecunNormal(FanOptions options) {
  return {std::make_shared<const Named<kLecunNormal>>(std::move(options))};
}

Initializer Orthogonal(OrthogonalOptions options) {
  return {std::make_shared<const OrthogonalImpl>(options)};
}

Initializer Identity(double gain) {
  return {std::make_shared<const IdentityImpl>(gain)};
}

}  // namespace initializers

}  // namespace keratin
