// What fit, evaluate and the one-batch forms share.

#include "src/train/loops.hpp"

#include <keratin/error.hpp>

#include "src/core/format.hpp"

namespace keratin {

void require_compiled(const ModelImpl& model, const char* what) {
  if (model.compiled()) return;
  throw InvalidArgument(format(
      "{} {} needs a compiled model; call compile with an optimizer and a "
      "loss first",
      model.who(),
      what));
}

void require_positive(
    const std::string& who, const char* what, std::int64_t value) {
  if (value >= 1) return;
  throw InvalidArgument(
      format("{} expected {} >= 1, got {}", who, what, value));
}

void require_steps(
    const std::string& who,
    const data::Dataset& dataset,
    const std::optional<std::int64_t>& steps,
    const char* argument) {
  if (steps || dataset.cardinality() != data::Dataset::kInfinite) return;
  throw InvalidArgument(format(
      "{} got a dataset that repeats for ever; give {}, or end it by .take(n)",
      who,
      argument));
}

StepRunner::StepRunner(
    ModelImpl& model, Mode mode, const Feed& feed, std::string who)
    : model_(model), mode_(mode), feed_(feed), who_(std::move(who)) {
  if (feed.host() != nullptr && !feed.host()->ends_in_graph()) {
    throw InvalidArgument(format(
        "{} the outputs come from the host, which has no gradients; train a "
        "model that ends before",
        who_));
  }
}

void StepRunner::check_also(std::string who, const FeedData& data) {
  also_ = {std::move(who), &data};
}

void StepRunner::prepare(const FeedData& batch) {
  // Batches cut from arrays have one shape but for the rows: the last program
  // fits. Others may differ in anything.
  const std::int64_t rows = batch.rows();
  if (!program_ || rows != rows_ || feed_.host() || feed_.all() == nullptr) {
    program_ = step_program(model_, mode_, batch, feed_.is_partial(rows));
    rows_ = rows;
  }
}

void StepRunner::run(const FeedData& batch) {
  prepare(batch);
  check(batch);
  for (const auto* tensors : {&batch.x, &batch.y, &batch.sample_weight}) {
    for (const Tensor& tensor : *tensors) {
      if (!absent(tensor)) inputs_.push_back(tensor);
    }
  }
  program_->run(inputs_, outputs_);
  // Dropped, so that the feed may write to its buffers without a copy.
  inputs_.clear();
}

void StepRunner::check(const FeedData& batch) {
  if (feed_.all() == nullptr) check_labels(model_, who_, batch);
  if (checked_) return;
  checked_ = true;
  if (feed_.all() != nullptr) check_labels(model_, who_, *feed_.all());
  if (also_.second != nullptr) {
    check_labels(model_, also_.first, *also_.second);
  }
}

}  // namespace keratin
