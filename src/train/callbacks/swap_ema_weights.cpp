#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <keratin/callbacks.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/train/trainer_state.hpp"

namespace keratin {

namespace {

/// The path of the average that an optimizer keeps of a variable
/// (OptimizerImpl::add_slot).
std::string average_path(
    const OptimizerImpl& optimizer, const Variable& variable) {
  std::string path = variable.path();
  std::replace(path.begin(), path.end(), '/', '_');
  return optimizer.name() + "/" + path + "_average";
}

/// Every optimizer that keeps averages, those inside others too.
void collect(
    const OptimizerImpl& optimizer, std::vector<const OptimizerImpl*>& out) {
  const auto inner = optimizer.inner();
  if (inner.empty() && optimizer.arguments().use_ema) out.push_back(&optimizer);
  for (const auto& [attribute, one] : inner) collect(one.impl(), out);
}

class SwapEMAWeightsCallback final : public Callback {
 public:
  explicit SwapEMAWeightsCallback(callbacks::SwapEMAWeightsOptions options)
      : options_(options) {}

  void on_epoch_begin(std::int64_t, Logs&) override {
    if (options_.swap_on_epoch) put(false);
  }

  void on_epoch_end(std::int64_t epoch, Logs&) override {
    if (!options_.swap_on_epoch || in_model_) return;
    put(true);
    // At its end fit puts the averages in place of the weights: they are there
    // already, and the weights are where the averages were.
    if (epoch == params().epochs - 1) {
      for (auto& [weight, average] : pairs()) average.assign(weight.value());
    }
  }

  void on_test_begin(Logs&) override { put(true); }

  void on_test_end(Logs&) override { put(false); }

  void on_predict_begin(Logs&) override { put(true); }

  void on_predict_end(Logs&) override { put(false); }

  void save_state(CallbackState& state) const override {
    state.values["ema_weights_in_model"] = in_model_;
  }

  void restore_state(const CallbackState& state) override {
    in_model_ = state.values.at("ema_weights_in_model").as_bool();
  }

 private:
  /// Weights with their averages.
  std::vector<std::pair<Variable, Variable>> pairs() {
    std::vector<const OptimizerImpl*> averaging;
    collect(model().optimizer().impl(), averaging);
    if (averaging.empty()) {
      throw InvalidArgument(format(
          "[SwapEMAWeights] expected an optimizer with use_ema, got '{}' "
          "without; compile with use_ema = true",
          model().optimizer().impl().class_name()));
    }
    // A model that was loaded has not trained yet.
    const TrainerState& state = model().trainer_state();
    const std::vector<Variable> trained =
        state.trained_known ? state.trained : model().trainable_weights();
    std::vector<std::pair<Variable, Variable>> out;
    for (const OptimizerImpl* optimizer : averaging) {
      const std::vector<Variable> slots = optimizer->variables();
      std::set<std::uint64_t> used;
      for (const Variable& weight : trained) {
        const std::string path = average_path(*optimizer, weight);
        const auto slot =
            std::find_if(slots.begin(), slots.end(), [&](const Variable& one) {
              return one.path() == path && one.shape() == weight.shape() &&
                     !used.contains(one.id());
            });
        if (slot == slots.end()) continue;  // another optimizer's
        used.insert(slot->id());
        out.emplace_back(weight, *slot);
      }
    }
    return out;
  }

  void put(bool averages) {
    if (in_model_ == averages) return;
    in_model_ = averages;
    for (auto& [weight, average] : pairs()) {
      const Tensor value = weight.value();
      weight.assign(average.value());
      average.assign(value);
    }
  }

  callbacks::SwapEMAWeightsOptions options_;
  bool in_model_ = false;
};

}  // namespace

std::shared_ptr<Callback> callbacks::SwapEMAWeights(
    SwapEMAWeightsOptions options) {
  return std::make_shared<SwapEMAWeightsCallback>(options);
}

}  // namespace keratin
