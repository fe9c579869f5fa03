// The training loop.

#include <algorithm>
#include <utility>

#include <keratin/callbacks.hpp>
#include <keratin/data/dataset.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/train/fit_run.hpp"
#include "src/train/loops.hpp"

namespace keratin {

ValidationData::ValidationData(const data::Dataset& batches)
    : dataset(std::make_shared<const data::Dataset>(batches)) {}

namespace {

/// Keras's validation_split: the last rows, before any shuffling.
ValidationData split_off(const std::string& who, double share, FeedData& data) {
  const std::int64_t rows = data.rows();
  const auto keep =
      static_cast<std::int64_t>(static_cast<double>(rows) * (1.0 - share));
  if (keep <= 0 || keep >= rows) {
    throw InvalidArgument(format(
        "{} validation_split={} leaves {} of {} rows for training; use a "
        "share that leaves rows on both sides",
        who,
        share,
        std::max<std::int64_t>(keep, 0),
        rows));
  }
  const auto cut = [&](std::vector<Tensor>& tensors) {
    std::vector<Tensor> rest;
    for (Tensor& tensor : tensors) {
      if (absent(tensor)) {
        rest.push_back(tensor);
        continue;
      }
      rest.push_back(tensor.slice(keep, rows));
      tensor = tensor.slice(0, keep);
    }
    return rest;
  };
  TensorSet x = cut(data.x);
  TensorSet y = cut(data.y);
  return {std::move(x), std::move(y), cut(data.sample_weight)};
}

void check_fit(const std::string& who, const FitArguments& arguments) {
  require_positive(who, "batch_size", arguments.batch_size);
  require_positive(who, "validation_freq", arguments.validation_freq);
  if (arguments.epochs < 0 || arguments.initial_epoch < 0) {
    throw InvalidArgument(format(
        "{} expected epochs and initial_epoch >= 0, got {} and {}",
        who,
        arguments.epochs,
        arguments.initial_epoch));
  }
  if (arguments.steps_per_epoch) {
    require_positive(who, "steps_per_epoch", *arguments.steps_per_epoch);
  }
  if (arguments.validation_steps) {
    require_positive(who, "validation_steps", *arguments.validation_steps);
  }
  if (arguments.validation_batch_size) {
    require_positive(
        who, "validation_batch_size", *arguments.validation_batch_size);
  }
  if (!(arguments.validation_split >= 0 && arguments.validation_split < 1)) {
    throw InvalidArgument(format(
        "{} expected validation_split in [0, 1), got {}",
        who,
        arguments.validation_split));
  }
}

/// What a dataset's elements hold themselves, and what takes arrays alone.
void check_fit_of_dataset(
    const std::string& who,
    const data::Dataset& x,
    const FitArguments& arguments) {
  if (!arguments.sample_weight.empty()) {
    throw InvalidArgument(format(
        "{} got sample_weight beside a dataset; make the weights the third "
        "part of its elements",
        who));
  }
  if (arguments.validation_split > 0) {
    throw InvalidArgument(format(
        "{} validation_split takes arrays, got a dataset; split it by .take(n) "
        "and .skip(n) and give validation_data",
        who));
  }
  require_steps(who, x, arguments.steps_per_epoch, "steps_per_epoch");
}

/// The validation data of a run, or null.
std::unique_ptr<Feed> validation_feed(
    ModelImpl& model,
    const std::string& who,
    const std::optional<ValidationData>& validation,
    const FitArguments& arguments) {
  if (!validation) return nullptr;
  if (validation->dataset) {
    require_steps(
        who,
        *validation->dataset,
        arguments.validation_steps,
        "validation_steps");
    auto feed = std::make_unique<DatasetFeed>(
        model, who, *validation->dataset, DatasetFeed::Options{});
    check_like_input(model, who, feed->first());
    return feed;
  }
  FeedData data = check_data(
      model, who, validation->x, validation->y, validation->sample_weight);
  check_like_input(model, who, data);
  return std::make_unique<ArrayFeed>(
      std::move(data),
      arguments.validation_batch_size.value_or(arguments.batch_size),
      false);
}

/// Trains on a feed whose data are checked.
History run_fit(
    ModelImpl& model,
    const std::string& who,
    Feed& feed,
    const std::optional<ValidationData>& validation,
    const FitArguments& arguments) {
  // By the name that the caller gave.
  const std::string validation_who =
      who +
      (arguments.validation_data ? " validation_data" : " validation_split");
  const std::unique_ptr<Feed> validation_batches =
      validation_feed(model, validation_who, validation, arguments);
  FitRun run(
      {model, who, feed, validation_who, validation_batches.get(), arguments});
  return run.run();
}

}  // namespace

History ModelImpl::fit(
    const TensorSet& x, const TensorSet& y, const FitArguments& arguments) {
  require_compiled(*this, "fit");
  const std::string who = this->who() + " fit";
  check_fit(who, arguments);
  build_model(*this, x.tensors());
  FeedData data = check_data(
      *this, who, x, y, arguments.sample_weight, arguments.class_weight);
  std::optional<ValidationData> validation = arguments.validation_data;
  if (!validation && arguments.validation_split > 0) {
    validation = split_off(who, arguments.validation_split, data);
    // As in Keras, weights of classes are for training alone.
    if (!arguments.class_weight.empty())
      validation->sample_weight = TensorSet();
  }
  ArrayFeed feed(std::move(data), arguments.batch_size, arguments.shuffle);
  return run_fit(*this, who, feed, validation, arguments);
}

History ModelImpl::fit(const data::Dataset& x, const FitArguments& arguments) {
  require_compiled(*this, "fit");
  const std::string who = this->who() + " fit";
  check_fit(who, arguments);
  check_fit_of_dataset(who, x, arguments);
  DatasetFeed feed(
      *this,
      who,
      x,
      {.class_weight = arguments.class_weight,
       .first_epoch = arguments.initial_epoch});
  feed.first();
  return run_fit(*this, who, feed, arguments.validation_data, arguments);
}

}  // namespace keratin
