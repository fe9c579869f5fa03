#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <keratin/callbacks.hpp>
#include <keratin/data/dataset.hpp>
#include <keratin/error.hpp>
#include <keratin/layers.hpp>
#include <keratin/model.hpp>
#include <keratin/random.hpp>

#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/throws.hpp"

/// Runs that are stopped, killed and gone on with.
namespace keratin::testing {

using Callbacks = std::vector<std::shared_ptr<Callback>>;

struct Examples {
  Tensor x{DType::f32, {22, 4}};
  Tensor y{DType::f32, {22, 1}};
};

inline const Examples& examples() {
  static const Examples made = [] {
    Examples out;
    auto x = out.x.mutable_data<float>();
    auto y = out.y.mutable_data<float>();
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = static_cast<float>((i * 37) % 23) / 11.0F - 1.0F;
    }
    for (std::size_t i = 0; i < y.size(); ++i) {
      y[i] = x[4 * i] * x[4 * i + 1] - x[4 * i + 2];
    }
    return out;
  }();
  return made;
}

/// Everything that draws, averages and counts.
inline Sequential make_model() {
  Sequential model(
      {layers::Input({4}),
       layers::Dense(8, {.activation = "relu"}),
       layers::BatchNormalization(),
       layers::Dropout(0.3),
       layers::Dense(1)});
  model.compile(
      {.optimizer = optimizers::Adam({.learning_rate = 0.02}),
       .loss = "mse",
       .metrics = {"mae"}});
  return model;
}

struct Outcome {
  std::vector<Tensor> weights;
  History history;
  std::string log;  // of CSVLogger
  double rate = 0;
  std::uint64_t next = 0;  // what would be drawn after the run

  bool operator==(const Outcome& other) const {
    return weights == other.weights && history.epoch == other.history.epoch &&
           history.history == other.history.history && log == other.log &&
           rate == other.rate && next == other.next;
  }
};

/// A process: another seed, a model of its own, callbacks of their own.
struct Run {
  std::string folder;
  callbacks::BackupAndRestoreOptions backup = {};
  Callbacks extra = {};
  std::int64_t epochs = 4;
  bool keeps = true;  // else without BackupAndRestore
  std::function<History(Model&, const FitArguments&)> fit =
      [](Model& model, const FitArguments& arguments) {
        return model.fit(examples().x, examples().y, arguments);
      };

  Outcome run(std::uint64_t seed = 3) const {
    set_random_seed(seed);
    Sequential model = make_model();
    FitArguments arguments;
    arguments.verbose = 0;
    arguments.batch_size = 5;
    arguments.epochs = epochs;
    arguments.validation_data = {
        examples().x.slice(0, 6), examples().y.slice(0, 6)};
    const std::string log = folder + "/log.csv";
    arguments.callbacks = {
        callbacks::LearningRateScheduler(
            [](std::int64_t, double rate) { return rate * 0.9; }),
        callbacks::ReduceLROnPlateau(
            {.monitor = "val_mae", .patience = 1, .min_delta = 0.05}),
        callbacks::EarlyStopping(
            {.monitor = "val_loss",
             .patience = 3,
             .restore_best_weights = true}),
        callbacks::CSVLogger(log)};
    if (keeps) {
      arguments.callbacks.push_back(
          callbacks::BackupAndRestore(folder + "/backup", backup));
    }
    for (const auto& callback : extra) arguments.callbacks.push_back(callback);
    Outcome out;
    out.history = fit(model, arguments);
    out.weights = model.get_weights();
    for (const Variable& variable : model.optimizer().impl().variables()) {
      out.weights.push_back(variable.value());
    }
    out.log = read_file(log);
    out.rate = model.optimizer().learning_rate();
    out.next = next_seed();
    return out;
  }
};

inline Outcome undisturbed(Run run) {
  const TempDir folder;
  run.folder = folder.path().string();
  run.keeps = false;
  return run.run();
}

/// True once, after so many questions.
inline std::function<bool()> after(int questions) {
  return [questions]() mutable { return questions-- == 0; };
}

struct Killed : std::runtime_error {
  Killed() : std::runtime_error("killed") {}
};

/// Throws after so many steps, as if the process had died there.
inline std::shared_ptr<Callback> kill_after(int steps) {
  return callbacks::LambdaCallback(
      {.on_train_batch_end = [steps](std::int64_t, Logs&) mutable {
        if (steps-- == 0) throw Killed();
      }});
}

/// Kills the run after every number of steps from `first` to `last`, each time
/// from the start, and goes on in another process.
inline void check_kills(Run run, int first, int last) {
  const Outcome whole = undisturbed(run);
  for (int steps = first; steps <= last; ++steps) {
    CAPTURE(steps);
    const TempDir folder;
    run.folder = folder.path().string();
    run.extra = {kill_after(steps)};
    CHECK_THROWS_AS(run.run(), Killed);
    run.extra = {};
    // Seeds come from the checkpoint, if there is one.
    const bool saved =
        std::filesystem::exists(folder / "backup" / "latest.checkpoint");
    CHECK(run.run(saved ? 99 : 3) == whole);
    CHECK_FALSE(std::filesystem::exists(folder / "backup"));
  }
}

inline std::string problem(const Run& run) {
  return message_of<InvalidArgument>([&] { run.run(); });
}

inline data::Dataset pipeline() {
  return data::Dataset::from_tensor_slices(examples().x, examples().y)
      .map(
          [](const Tensor& x, const Tensor& y, const data::MapContext& c) {
            Tensor noisy = x;
            for (float& value : noisy.mutable_data<float>()) {
              value += static_cast<float>(c.seed % 1000) / 1e4F;
            }
            return std::pair(noisy, y);
          },
          {.num_parallel_calls = 2})
      .shuffle(7)
      .batch(5)
      .prefetch(2);
}

inline std::function<History(Model&, const FitArguments&)> on(
    std::function<data::Dataset()> make,
    std::optional<std::int64_t> steps = {}) {
  return [make = std::move(make), steps](Model& model, FitArguments arguments) {
    arguments.steps_per_epoch = steps;
    arguments.validation_data = ValidationData(make());
    arguments.validation_steps = 2;
    return model.fit(make(), arguments);
  };
}

}  // namespace keratin::testing
