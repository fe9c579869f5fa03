#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/fields.hpp>
#include <keratin/tensor.hpp>

namespace keratin {

/// Makes a variable's first value. Computed on the host in double and rounded.
class KERATIN_API InitializerImpl : public Serializable {
 public:
  std::string module() const override;
  virtual Tensor make(const Shape& shape, DType dtype) const = 0;
};

/// A handle on an initializer, made from Keras's name ("glorot_uniform",
/// "GlorotUniform"), one of keratin::initializers, or a function.
class KERATIN_API Initializer final : public FieldValue {
 public:
  Initializer();  // none: Keras's None

  // NOLINTBEGIN(google-explicit-constructor): names read as initializers
  Initializer(const char* name);
  Initializer(std::string name);
  Initializer(std::shared_ptr<const InitializerImpl> impl);
  Initializer(std::function<Tensor(const Shape&, DType)> function);

  // NOLINTEND(google-explicit-constructor)

  explicit operator bool() const { return impl_ != nullptr; }

  Tensor operator()(const Shape& shape, DType dtype) const;

  const InitializerImpl& impl() const { return *impl_; }

  Config to_config() const override;
  void from_config(const Config& config, const std::string& where) override;
  Config schema() const override;

 private:
  std::shared_ptr<const InitializerImpl> impl_;
};

KERATIN_API std::vector<std::string> initializer_names();

}  // namespace keratin

/// Keras's initializers. Those that draw take a seed; without one the next of
/// set_random_seed. Fans of a shape: [in, out] for a matrix,
/// [kernel..., in, out] times the kernel's size for a convolution.
namespace keratin::initializers {

struct NormalOptions {
  double mean = 0;
  double stddev = 0.05;
  std::optional<std::int64_t> seed = {};
};

struct UniformOptions {
  double minval = -0.05;
  double maxval = 0.05;
  std::optional<std::int64_t> seed = {};
};

struct VarianceScalingOptions {
  double scale = 1;
  std::string mode = "fan_in";  // "fan_in", "fan_out" or "fan_avg"
  /// "truncated_normal", "untruncated_normal" or "uniform".
  std::string distribution = "truncated_normal";
  std::optional<std::int64_t> seed = {};
  /// Axes whose extents multiply to the fans; both or none.
  std::optional<std::vector<std::int64_t>> input_axes = {};
  std::optional<std::vector<std::int64_t>> output_axes = {};
};

struct FanOptions {
  std::optional<std::int64_t> seed = {};
  std::optional<std::vector<std::int64_t>> input_axes = {};
  std::optional<std::vector<std::int64_t>> output_axes = {};
};

struct OrthogonalOptions {
  double gain = 1;
  std::optional<std::int64_t> seed = {};
};

KERATIN_API Initializer Zeros();
KERATIN_API Initializer Ones();
KERATIN_API Initializer Constant(double value);
KERATIN_API Initializer RandomNormal(NormalOptions options = {});
KERATIN_API Initializer RandomUniform(UniformOptions options = {});

/// Normal, values beyond two standard deviations drawn again.
KERATIN_API Initializer TruncatedNormal(NormalOptions options = {});
KERATIN_API Initializer VarianceScaling(VarianceScalingOptions options = {});
KERATIN_API Initializer GlorotUniform(FanOptions options = {});
KERATIN_API Initializer GlorotNormal(FanOptions options = {});
KERATIN_API Initializer HeUniform(FanOptions options = {});
KERATIN_API Initializer HeNormal(FanOptions options = {});
KERATIN_API Initializer LecunUniform(FanOptions options = {});
KERATIN_API Initializer LecunNormal(FanOptions options = {});

/// Orthonormal columns (rows when there are more columns than rows) of the
/// shape flattened to a matrix over its last axis, times gain.
KERATIN_API Initializer Orthogonal(OrthogonalOptions options = {});

/// gain on the diagonal of a matrix.
KERATIN_API Initializer Identity(double gain = 1);

}  // namespace keratin::initializers
