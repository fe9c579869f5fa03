#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/optimizers/optimizer.hpp>

/// Optimizers around others.
namespace keratin::optimizers {

struct LossScaleOptimizerOptions {
  double initial_scale = 32768;
  std::int64_t dynamic_growth_steps = 2000;
  std::string name = {};
};

/// For float16: multiplies the loss by a scale and divides the gradients by it,
/// so that they do not vanish. A step with a gradient that is not finite
/// changes nothing but halves the scale; dynamic_growth_steps good ones double
/// it. A fixed factor is loss_scale_factor of the optimizer itself. `compile`
/// wraps the optimizer of a model in "mixed_float16" so unless told not to
/// (auto_scale_loss).
KERATIN_API Optimizer LossScaleOptimizer(
    Optimizer inner_optimizer, LossScaleOptimizerOptions options = {});

/// Which optimizer updates which variable: the one under the variable's path,
/// else the one whose key, a regular expression, matches all of the path, else
/// the default.
class KERATIN_API OptimizerMap {
 public:
  using Entries = std::vector<std::pair<std::string, Optimizer>>;

  /// Throws InvalidArgument for a key given twice, a key that is no regular
  /// expression, and optimizers around others.
  explicit OptimizerMap(
      Optimizer default_optimizer, Entries optimizer_map = {});

  const Optimizer& default_optimizer() const { return default_; }

  const Entries& entries() const { return entries_; }

  /// Throws InvalidArgument when several keys match.
  const Optimizer& of(const std::string& path) const;

  Config to_config() const;
  static OptimizerMap from_config(
      const Config& config, const std::string& where);

 private:
  Optimizer default_;
  Entries entries_;
};

struct MultiOptimizerOptions {
  /// In place of the optimizers' own.
  std::optional<double> loss_scale_factor = {};
  std::string name = {};
};

/// Gives each variable to one of several optimizers.
KERATIN_API Optimizer
MultiOptimizer(OptimizerMap optimizer_map, MultiOptimizerOptions options = {});

/// The same by a function; such an optimizer cannot be saved with its model.
KERATIN_API Optimizer MultiOptimizer(
    std::function<Optimizer(const Variable&)> optimizer_of,
    MultiOptimizerOptions options = {});

}  // namespace keratin::optimizers
