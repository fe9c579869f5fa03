// Runs that are stopped and go on give bit for bit what they would have given.

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "tests/models/resumed_runs.hpp"

using namespace keratin;           // NOLINT
using namespace keratin::layers;   // NOLINT
using namespace keratin::testing;  // NOLINT

TEST_CASE("A run stopped after any step goes on bit for bit") {
  // 5 steps an epoch, the last a smaller one; a question after every step and
  // every epoch.
  Run run;
  run.epochs = 3;
  const Outcome whole = undisturbed(run);
  CHECK(undisturbed(run) == whole);
  for (int questions = 0; questions < 18; ++questions) {
    CAPTURE(questions);
    const TempDir folder;
    run.folder = folder.path().string();
    run.backup = {.save_freq = "never", .stop = after(questions)};
    const Outcome part = run.run();
    const auto found = callbacks::find_checkpoint(run.folder + "/backup");
    REQUIRE(found.has_value());
    CHECK(found->epoch == (questions + 1) / 6);
    CHECK(found->step == (questions + 1) % 6);
    CHECK(part.history.epoch.size() == static_cast<std::size_t>(found->epoch));
    run.backup = {};
    CHECK(run.run(99) == whole);
  }
}

TEST_CASE("A run killed between two checkpoints makes the lost steps again") {
  Run run;
  run.backup.save_freq = 3;
  check_kills(run, 1, 16);
}

TEST_CASE("A run that saves at the end of epochs goes on from there") {
  check_kills(Run(), 4, 12);
}

TEST_CASE("A pipeline goes on where it stood, with what it draws") {
  Run run;
  run.backup.save_freq = 2;
  SUBCASE("epochs are passes") {
    run.fit = on(pipeline);
  }
  SUBCASE("epochs go on in a pass") {
    run.fit = on([] { return pipeline().repeat(); }, 3);
  }
  SUBCASE("the length is not known") {
    run.fit = on([] {
      return pipeline().filter(
          [](const data::Element& element) { return element.x.size() > 0; });
    });
  }
  check_kills(run, 1, 9);
}

TEST_CASE("A stop request counts several steps of one execution as one") {
  Run run;
  run.backup.save_freq = 2;
  const auto plain = run.fit;
  run.fit = [plain](Model& model, const FitArguments& arguments) {
    CompileArguments again = model.model_impl().compile_arguments();
    again.steps_per_execution = 3;
    model.compile(again);
    return plain(model, arguments);
  };
  check_kills(run, 1, 5);
}

TEST_CASE("A model with a host part goes on: batches are made ahead there") {
  const std::vector<std::string> words = {"a b", "b c", "c", "a", "d a", "b"};
  Tensor x(DType::string, {6, 1});
  for (std::size_t i = 0; i < words.size(); ++i) {
    x.mutable_data<std::string>()[i] = words[i];
  }
  const Tensor y(std::vector<float>{1, 0, 0, 1, 1, 0}, {6, 1});
  const auto train = [&](const std::string& folder,
                         Callbacks extra,
                         std::uint64_t seed) {
    set_random_seed(seed);
    Sequential model(
        {Input({1}, {.dtype = DType::string}),
         TextVectorization(
             {.output_mode = "multi_hot",
              .vocabulary = std::vector<std::string>{"a", "b", "c"}}),
         Dropout(0.5),
         Dense(1)});
    model.compile({.optimizer = "adam", .loss = "mse"});
    extra.insert(
        extra.begin(), callbacks::BackupAndRestore(folder, {.save_freq = 1}));
    FitArguments arguments;
    arguments.verbose = 0;
    arguments.batch_size = 1;
    arguments.epochs = 2;
    arguments.callbacks = std::move(extra);
    model.fit(x, y, arguments);
    return model.get_weights();
  };
  const TempDir folder;
  const auto whole = train((folder / "whole").string(), {}, 5);
  const std::string backup = (folder / "backup").string();
  CHECK_THROWS_AS(train(backup, {kill_after(3)}, 5), Killed);
  CHECK(train(backup, {}, 99) == whole);
}

TEST_CASE("Averages in the model's place are a part of the run") {
  Run run;
  run.fit = [](Model& model, FitArguments arguments) {
    optimizers::SGDOptions options;
    options.learning_rate = 0.1;
    options.momentum = 0.9;
    options.use_ema = true;
    model.compile(
        {.optimizer = optimizers::SGD(options),
         .loss = "mse",
         .metrics = {"mae"}});
    arguments.callbacks.insert(
        arguments.callbacks.begin(),
        callbacks::SwapEMAWeights({.swap_on_epoch = true}));
    return model.fit(examples().x, examples().y, arguments);
  };
  check_kills(run, 4, 11);
}

TEST_CASE(
    "A run that is over is not made again, and goes on with more epochs") {
  const TempDir folder;
  Run run;
  run.folder = folder.path().string();
  run.backup.delete_checkpoint = false;
  run.epochs = 2;
  const Outcome whole = run.run();
  const auto found = callbacks::find_checkpoint(run.folder + "/backup");
  REQUIRE(found.has_value());
  CHECK(found->finished);
  int steps = 0;
  run.extra = {callbacks::LambdaCallback(
      {.on_train_batch_end = [&](std::int64_t, Logs&) { ++steps; }})};
  CHECK(run.run(99) == whole);
  CHECK(steps == 0);
  run.epochs = 3;
  CHECK(run.run(99).history.epoch == std::vector<std::int64_t>{0, 1, 2});
  CHECK(steps == 5);
}

TEST_CASE("What early stopping ended stays ended") {
  Run run;
  run.epochs = 50;
  const Outcome whole = undisturbed(run);
  REQUIRE(whole.history.epoch.size() < 50);
  // Killed after the last checkpoint, before on_train_end.
  const TempDir folder;
  run.folder = folder.path().string();
  run.extra = {callbacks::LambdaCallback(
      {.on_train_end = [](Logs&) { throw Killed(); }})};
  CHECK_THROWS_AS(run.run(), Killed);
  run.extra = {};
  CHECK(run.run(99) == whole);
}
