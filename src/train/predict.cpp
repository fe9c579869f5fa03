// The prediction loop.

#include <algorithm>
#include <cstring>
#include <utility>

#include <keratin/callbacks.hpp>
#include <keratin/data/dataset.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/train/loops.hpp"

namespace keratin {

namespace {

/// Joins the outputs of batches one after the other.
class JoinedOutputs {
 public:
  /// `total`: rows of all batches, when that is known and outputs are numbers.
  JoinedOutputs(std::string who, std::optional<std::int64_t> total)
      : who_(std::move(who)), total_(total) {}

  /// Leaves in `results` what may be written to again.
  void add(std::vector<Tensor>& results, std::int64_t rows) {
    if (!total_ || rows == *total_) {
      parts_.push_back(std::exchange(results, {}));
      return;
    }
    for (std::size_t i = 0; i < results.size(); ++i) {
      copy(i, results[i], rows);
    }
    row_ += rows;
  }

  std::vector<Tensor> finish() {
    if (!joined_.empty() || parts_.empty()) return std::move(joined_);
    std::vector<Tensor> all;
    for (std::size_t i = 0; i < parts_[0].size(); ++i) all.push_back(join(i));
    return all;
  }

 private:
  void copy(std::size_t i, const Tensor& result, std::int64_t rows) {
    Shape shape = result.shape();
    const bool joins = !shape.empty() && shape[0] == rows &&
                       (i >= joined_.size() ||
                        result.size() * *total_ == joined_[i].size() * rows);
    if (!joins) {
      throw InvalidArgument(format(
          "{} got an output of shape {} for {} rows, which cannot be joined "
          "over batches; predict in one batch",
          who_,
          shape,
          rows));
    }
    if (i >= joined_.size()) {
      shape[0] = *total_;
      joined_.push_back(Tensor::uninitialized(result.dtype(), shape));
    }
    const std::size_t row_bytes =
        joined_[i].size_bytes() / static_cast<std::size_t>(*total_);
    auto* to = static_cast<std::byte*>(joined_[i].mutable_raw());
    std::memcpy(
        to + static_cast<std::size_t>(row_) * row_bytes,
        result.raw(),
        result.size_bytes());
  }

  /// Output i of the parts, which may be strings.
  Tensor join(std::size_t i) const {
    std::vector<Tensor> rows;
    for (const std::vector<Tensor>& part : parts_) {
      const Shape& first = parts_[0][i].shape();
      Shape shape = part[i].shape();
      if (!shape.empty() && !first.empty()) shape[0] = first[0];
      if (shape != first || (first.empty() && parts_.size() > 1)) {
        throw InvalidArgument(format(
            "{} got outputs of shapes {} and {}, which cannot be joined over "
            "batches; give TextVectorization an output_sequence_length, pad "
            "all batches to one length, or predict in one batch",
            who_,
            first,
            part[i].shape()));
      }
      rows.push_back(part[i]);
    }
    return rows.size() == 1 ? rows[0] : concatenate(rows);
  }

  std::string who_;
  std::optional<std::int64_t> total_;
  std::vector<std::vector<Tensor>> parts_;  // kept until the end
  std::vector<Tensor> joined_;              // or copied at once
  std::int64_t row_ = 0;                    // of joined_, the next
};

std::vector<Tensor> run_prediction(
    ModelImpl& model,
    const std::string& who,
    Feed& feed,
    const PredictArguments& arguments,
    std::optional<std::int64_t> total) {
  std::vector<std::shared_ptr<Callback>> list = arguments.callbacks;
  if (arguments.verbose != 0 && !find_progress_bar(list)) {
    list.insert(list.begin(), make_progress_bar(arguments.verbose));
  }
  const auto steps = arguments.steps ? arguments.steps : feed.batches();
  CallbackList callbacks(
      std::move(list), model, {1, steps.value_or(-1), arguments.verbose});
  Logs none;
  callbacks.call(&Callback::on_predict_begin, none);
  feed.start();
  const HostPart* const host = feed.host();
  JoinedOutputs outputs(who, host == nullptr ? total : std::nullopt);
  FeedData batch;
  std::vector<Tensor> results;  // of a batch
  std::int64_t step = 0;
  while ((!arguments.steps || step < *arguments.steps) && feed.next(batch)) {
    callbacks.call(&Callback::on_predict_batch_begin, step, none);
    if (host == nullptr || !host->graph_free()) {
      const auto program = step_program(
          model, Mode::predict, batch, feed.is_partial(batch.rows()));
      program->run(batch.x, results);
    }
    if (host != nullptr) {
      results = host->after(batch.host_values, std::move(results));
    }
    outputs.add(results, batch.rows());
    callbacks.call(&Callback::on_predict_batch_end, step, none);
    ++step;
  }
  callbacks.call(&Callback::on_predict_end, none);
  return outputs.finish();
}

std::string check_predict(
    const ModelImpl& model, const PredictArguments& arguments) {
  std::string who = model.who() + " predict";
  require_positive(who, "batch_size", arguments.batch_size);
  if (arguments.steps) require_positive(who, "steps", *arguments.steps);
  return who;
}

}  // namespace

std::vector<Tensor> ModelImpl::predict(
    const TensorSet& x, const PredictArguments& arguments) {
  const std::string who = check_predict(*this, arguments);
  build_model(*this, x.tensors());
  FeedData data = check_data(*this, who, x, {}, {});
  std::int64_t total = data.rows();
  if (arguments.steps && *arguments.steps <= total / arguments.batch_size) {
    total = *arguments.steps * arguments.batch_size;
  }
  ArrayFeed feed(std::move(data), arguments.batch_size, false);
  return run_prediction(*this, who, feed, arguments, total);
}

std::vector<Tensor> ModelImpl::predict(
    const data::Dataset& x, const PredictArguments& arguments) {
  const std::string who = check_predict(*this, arguments);
  require_steps(who, x, arguments.steps, "steps");
  DatasetFeed feed(*this, who, x, {.targets = false});
  feed.first();
  return run_prediction(*this, who, feed, arguments, {});
}

}  // namespace keratin
