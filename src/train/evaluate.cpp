// The test loop.

#include <utility>

#include <keratin/callbacks.hpp>
#include <keratin/data/dataset.hpp>
#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/train/loops.hpp"

namespace keratin {

Logs run_evaluation(
    ModelImpl& model,
    const std::string& who,
    Feed& feed,
    std::optional<std::int64_t> steps,
    CallbackList& callbacks) {
  model.reset_metrics();
  feed.start();
  StepRunner runner(model, Mode::test, feed, who);
  Logs none;
  callbacks.call(&Callback::on_test_begin, none);
  FeedData batch;
  std::int64_t step = 0;
  while ((!steps || step < *steps) && feed.next(batch)) {
    callbacks.call(&Callback::on_test_batch_begin, step, none);
    runner.run(batch);
    Logs logs = model.metric_results();
    callbacks.call(&Callback::on_test_batch_end, step, logs);
    ++step;
  }
  Logs logs = model.metric_results();
  logs.entries();  // before anything resets the metrics
  callbacks.call(&Callback::on_test_end, logs);
  return logs;
}

namespace {

std::string check_evaluate(
    const ModelImpl& model, const EvaluateArguments& arguments) {
  require_compiled(model, "evaluate");
  std::string who = model.who() + " evaluate";
  require_positive(who, "batch_size", arguments.batch_size);
  if (arguments.steps) require_positive(who, "steps", *arguments.steps);
  return who;
}

Logs run_alone(
    ModelImpl& model,
    const std::string& who,
    Feed& feed,
    const EvaluateArguments& arguments) {
  const int verbose = resolve_verbose(arguments.verbose);
  std::vector<std::shared_ptr<Callback>> list = arguments.callbacks;
  if (verbose != 0 && !find_progress_bar(list)) {
    list.insert(list.begin(), make_progress_bar(verbose));
  }
  const auto steps = arguments.steps ? arguments.steps : feed.batches();
  CallbackList callbacks(
      std::move(list), model, {1, steps.value_or(-1), verbose});
  return run_evaluation(model, who, feed, arguments.steps, callbacks);
}

}  // namespace

Logs ModelImpl::evaluate(
    const TensorSet& x,
    const TensorSet& y,
    const EvaluateArguments& arguments) {
  const std::string who = check_evaluate(*this, arguments);
  build_model(*this, x.tensors());
  ArrayFeed feed(
      check_data(*this, who, x, y, arguments.sample_weight),
      arguments.batch_size,
      false);
  return run_alone(*this, who, feed, arguments);
}

Logs ModelImpl::evaluate(
    const data::Dataset& x, const EvaluateArguments& arguments) {
  const std::string who = check_evaluate(*this, arguments);
  if (!arguments.sample_weight.empty()) {
    throw InvalidArgument(format(
        "{} got sample_weight beside a dataset; make the weights the third "
        "part of its elements",
        who));
  }
  require_steps(who, x, arguments.steps, "steps");
  DatasetFeed feed(*this, who, x, {});
  feed.first();
  return run_alone(*this, who, feed, arguments);
}

}  // namespace keratin
