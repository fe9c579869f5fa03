// The loops' one-batch forms.

#include <keratin/callbacks.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/train/loops.hpp"

namespace keratin {

namespace {

/// One step; the running metrics as they are after it, whatever runs next.
Logs run_on_batch(
    ModelImpl& model,
    Mode mode,
    const char* what,
    const TensorSet& x,
    const TensorSet& y,
    const TensorSet& sample_weight,
    const std::map<std::int64_t, double>& class_weight) {
  require_compiled(model, what);
  const std::string who = model.who() + " " + what;
  build_model(model, x.tensors());
  const FeedData data =
      check_data(model, who, x, y, sample_weight, class_weight);
  const ArrayFeed feed(data, data.rows(), false);
  StepRunner(model, mode, feed, who).run(as_batch(data));
  Logs logs = model.metric_results();
  logs.entries();
  return logs;
}

}  // namespace

Logs ModelImpl::train_on_batch(
    const TensorSet& x,
    const TensorSet& y,
    const TensorSet& sample_weight,
    const std::map<std::int64_t, double>& class_weight) {
  return run_on_batch(
      *this, Mode::train, "train_on_batch", x, y, sample_weight, class_weight);
}

Logs ModelImpl::test_on_batch(
    const TensorSet& x, const TensorSet& y, const TensorSet& sample_weight) {
  return run_on_batch(
      *this, Mode::test, "test_on_batch", x, y, sample_weight, {});
}

std::vector<Tensor> ModelImpl::predict_on_batch(const TensorSet& x) {
  const std::string who = this->who() + " predict_on_batch";
  build_model(*this, x.tensors());
  const FeedData data = as_batch(check_data(*this, who, x, {}, {}));
  std::vector<Tensor> results;
  if (!data.host || !data.host->graph_free()) {
    results = step_program(*this, Mode::predict, data, false)->run(data.x);
  }
  if (!data.host) return results;
  return data.host->after(data.host_values, std::move(results));
}

}  // namespace keratin
