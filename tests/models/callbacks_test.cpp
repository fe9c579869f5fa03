#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <vector>

#include <keratin/callbacks.hpp>
#include <keratin/error.hpp>
#include <keratin/layers.hpp>
#include <keratin/model.hpp>

#include "src/core/log.hpp"
#include "tests/support/throws.hpp"

using namespace keratin;          // NOLINT
using namespace keratin::layers;  // NOLINT
using keratin::testing::message_of;

namespace {

/// A model whose loss stays what it is: the rate is too small to matter.
Sequential still_model(double rate = 1e-12) {
  Sequential model({Input({2}), Dense(1)});
  model.compile(
      {.optimizer = optimizers::SGD({.learning_rate = rate}), .loss = "mse"});
  return model;
}

History fit(
    Model& model,
    std::int64_t epochs,
    std::vector<std::shared_ptr<Callback>> callbacks,
    double x = 1) {
  FitArguments arguments;
  arguments.verbose = 0;
  arguments.epochs = epochs;
  arguments.batch_size = 2;
  arguments.callbacks = std::move(callbacks);
  return model.fit(
      Tensor::full(DType::f32, {6, 2}, x),
      Tensor::full(DType::f32, {6, 1}, 3),
      arguments);
}

}  // namespace

TEST_CASE("LearningRateScheduler sets the rate of each epoch and logs it") {
  Sequential model = still_model(0.5);
  const History history = fit(
      model,
      3,
      {callbacks::LearningRateScheduler([](std::int64_t epoch, double rate) {
        return epoch == 0 ? rate : rate / 2;
      })});
  CHECK(history["learning_rate"] == std::vector<double>{0.5, 0.25, 0.125});
  CHECK(model.optimizer().learning_rate() == 0.125);
}

TEST_CASE(
    "ReduceLROnPlateau lowers the rate after patience, not below min_lr") {
  Sequential model = still_model(0.0009765625);
  // min_delta above any change makes every epoch but the first a plateau.
  const History history =
      fit(model,
          5,
          {callbacks::ReduceLROnPlateau(
              {.monitor = "loss",
               .factor = 0.5,
               .patience = 1,
               .min_delta = 1e9,
               .min_lr = 0.0003})});
  CHECK(
      history["learning_rate"] == std::vector<double>{
                                      0.0009765625,
                                      0.0009765625,
                                      0.00048828125,
                                      static_cast<double>(0.0003F),
                                      static_cast<double>(0.0003F)});
}

TEST_CASE("TerminateOnNaN ends the run at the batch that went wrong") {
  Sequential model = still_model();
  const History history =
      fit(model,
          5,
          {callbacks::TerminateOnNaN()},
          std::numeric_limits<double>::quiet_NaN());
  CHECK(history.epoch.size() == 1);
  CHECK(model.optimizer().iterations() == 1);
}

TEST_CASE("Callbacks are called in Keras's order") {
  struct Recorder final : Callback {
    std::string calls;

    void on_train_begin(Logs&) override { calls += "T("; }

    void on_train_end(Logs&) override { calls += ")"; }

    void on_epoch_begin(std::int64_t, Logs&) override { calls += "E("; }

    void on_epoch_end(std::int64_t, Logs&) override { calls += ")"; }

    void on_train_batch_begin(std::int64_t, Logs&) override { calls += "<"; }

    void on_train_batch_end(std::int64_t, Logs&) override { calls += ">"; }

    void on_test_begin(Logs&) override { calls += "V("; }

    void on_test_end(Logs&) override { calls += ")"; }
  };

  Sequential model = still_model();
  auto recorder = std::make_shared<Recorder>();
  FitArguments arguments;
  arguments.verbose = 0;
  arguments.epochs = 2;
  arguments.batch_size = 2;
  arguments.validation_split = 0.5;
  arguments.callbacks = {recorder};
  model.fit(Tensor(DType::f32, {8, 2}), Tensor(DType::f32, {8, 1}), arguments);
  CHECK(recorder->calls == "T(E(<><>V())E(<><>V()))");
}

TEST_CASE("A callback that monitors nothing says what there is") {
  Sequential model = still_model();
  const LogCapture capture;
  fit(model, 1, {callbacks::EarlyStopping({.monitor = "val_loss"})});
  CHECK(
      capture.contains("monitors 'val_loss', which is not logged; there is "
                       "loss"));
  CHECK_THROWS_AS(
      callbacks::EarlyStopping({.mode = "upwards"}), InvalidArgument);
  CHECK_THROWS_AS(
      callbacks::ReduceLROnPlateau({.factor = 1.5}), InvalidArgument);
}

TEST_CASE("Configs name callbacks and their arguments") {
  const auto made = callbacks::from_config(
      "EarlyStopping", Config::parse(R"({"patience": 3})"));
  CHECK(made != nullptr);
  CHECK(
      message_of<InvalidArgument>(
          [] { callbacks::from_config("EarlyStoping", {}); }) ==
      "[callback] expected one of BackupAndRestore, CSVLogger, EarlyStopping, "
      "ModelCheckpoint, ProgbarLogger, ReduceLROnPlateau, SwapEMAWeights, "
      "TerminateOnNaN; no callback is called 'EarlyStoping'; did you mean "
      "\"EarlyStopping\"?");
  CHECK(
      message_of<InvalidArgument>([] {
        callbacks::from_config("LearningRateScheduler", {}, "$.callbacks[0]");
      }) ==
      "[$.callbacks[0]] expected one of BackupAndRestore, CSVLogger, "
      "EarlyStopping, "
      "ModelCheckpoint, ProgbarLogger, ReduceLROnPlateau, SwapEMAWeights, "
      "TerminateOnNaN; LearningRateScheduler takes a function, so only C++ "
      "makes one: callbacks::LearningRateScheduler");
  CHECK(message_of<InvalidArgument>([] {
          callbacks::from_config(
              "EarlyStopping", Config::parse(R"({"patince": 3})"));
        }).find("patience") != std::string::npos);
}
