#pragma once

#include <memory>

#include <keratin/optimizers/optimizer.hpp>

namespace keratin::optimizers {

/// The arguments that all optimizers share, out of the options of one.
template <class Options>
OptimizerArguments shared_arguments(const Options& o) {
  OptimizerArguments out;
  out.learning_rate = o.learning_rate;
  out.weight_decay = o.weight_decay;
  out.clipnorm = o.clipnorm;
  out.clipvalue = o.clipvalue;
  out.global_clipnorm = o.global_clipnorm;
  out.use_ema = o.use_ema;
  out.ema_momentum = o.ema_momentum;
  out.ema_overwrite_frequency = o.ema_overwrite_frequency;
  out.loss_scale_factor = o.loss_scale_factor;
  out.gradient_accumulation_steps = o.gradient_accumulation_steps;
  out.name = o.name;
  return out;
}

/// One of Keras's optimizers: keeps its options beside the shared arguments.
template <class Options>
class KerasOptimizer : public OptimizerImpl {
 public:
  explicit KerasOptimizer(Options options)
      : OptimizerImpl(shared_arguments(options)), o_(std::move(options)) {}

  std::string module() const override { return "keras.optimizers"; }

 protected:
  Options o_;  // its shared arguments are stale: use arguments()
};

// One of each with its defaults, for the table.
std::shared_ptr<OptimizerImpl> make_adadelta();
std::shared_ptr<OptimizerImpl> make_adafactor();
std::shared_ptr<OptimizerImpl> make_adagrad();
std::shared_ptr<OptimizerImpl> make_adam();
std::shared_ptr<OptimizerImpl> make_adamax();
std::shared_ptr<OptimizerImpl> make_adamw();
std::shared_ptr<OptimizerImpl> make_ftrl();
std::shared_ptr<OptimizerImpl> make_lamb();
std::shared_ptr<OptimizerImpl> make_lion();
std::shared_ptr<OptimizerImpl> make_loss_scale_optimizer();
std::shared_ptr<OptimizerImpl> make_multi_optimizer();
std::shared_ptr<OptimizerImpl> make_muon();
std::shared_ptr<OptimizerImpl> make_nadam();
std::shared_ptr<OptimizerImpl> make_rmsprop();
std::shared_ptr<OptimizerImpl> make_schedule_free_adamw();
std::shared_ptr<OptimizerImpl> make_sgd();

}  // namespace keratin::optimizers
