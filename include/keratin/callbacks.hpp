#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <keratin/config.hpp>
#include <keratin/export.hpp>
#include <keratin/model.hpp>
#include <keratin/training.hpp>

namespace keratin {

/// What a callback derives from: override what you need. Called in Keras's
/// order. Logs are computed when they are looked at: a callback that does not
/// look costs nothing. They are good during the call; keep the values, not the
/// Logs.
class KERATIN_API Callback {
 public:
  Callback() = default;
  virtual ~Callback();
  Callback(const Callback&) = delete;
  Callback& operator=(const Callback&) = delete;

  virtual void on_train_begin(Logs& logs);
  virtual void on_train_end(Logs& logs);
  virtual void on_epoch_begin(std::int64_t epoch, Logs& logs);
  virtual void on_epoch_end(std::int64_t epoch, Logs& logs);
  virtual void on_train_batch_begin(std::int64_t batch, Logs& logs);
  virtual void on_train_batch_end(std::int64_t batch, Logs& logs);
  virtual void on_test_begin(Logs& logs);
  virtual void on_test_end(Logs& logs);
  virtual void on_test_batch_begin(std::int64_t batch, Logs& logs);
  virtual void on_test_batch_end(std::int64_t batch, Logs& logs);
  virtual void on_predict_begin(Logs& logs);
  virtual void on_predict_end(Logs& logs);
  virtual void on_predict_batch_begin(std::int64_t batch, Logs& logs);
  virtual void on_predict_batch_end(std::int64_t batch, Logs& logs);

  /// Set by fit before anything else is called.
  void set_model(ModelImpl* model) { model_ = model; }

  /// epochs, steps (-1: unknown), verbose.
  struct Params {
    std::int64_t epochs = 1;
    std::int64_t steps = -1;
    int verbose = 0;
  };

  void set_params(const Params& params) { params_ = params; }

  ModelImpl& model() { return *model_; }

  const Params& params() const { return params_; }

 private:
  ModelImpl* model_ = nullptr;
  Params params_;
};

namespace callbacks {

struct EarlyStoppingOptions {
  std::string monitor = "val_loss";
  double min_delta = 0;
  std::int64_t patience = 0;
  int verbose = 0;
  std::string mode = "auto";  // "auto", "min" or "max"
  std::optional<double> baseline = {};
  bool restore_best_weights = false;
  std::int64_t start_from_epoch = 0;
};

/// Stops when a monitored value has stopped improving.
KERATIN_API std::shared_ptr<Callback> EarlyStopping(
    EarlyStoppingOptions options = {});

struct ReduceLROnPlateauOptions {
  std::string monitor = "val_loss";
  double factor = 0.1;
  std::int64_t patience = 10;
  int verbose = 0;
  std::string mode = "auto";
  double min_delta = 1e-4;
  std::int64_t cooldown = 0;
  double min_lr = 0.0;
};

/// Multiplies the learning rate by `factor` when a value stops improving.
KERATIN_API std::shared_ptr<Callback> ReduceLROnPlateau(
    ReduceLROnPlateauOptions options = {});

/// Sets the rate at the start of each epoch: schedule(epoch, rate so far).
KERATIN_API std::shared_ptr<Callback> LearningRateScheduler(
    std::function<double(std::int64_t, double)> schedule, int verbose = 0);

struct LambdaCallbackOptions {
  std::function<void(std::int64_t, Logs&)> on_epoch_begin = {};
  std::function<void(std::int64_t, Logs&)> on_epoch_end = {};
  std::function<void(Logs&)> on_train_begin = {};
  std::function<void(Logs&)> on_train_end = {};
  std::function<void(std::int64_t, Logs&)> on_train_batch_begin = {};
  std::function<void(std::int64_t, Logs&)> on_train_batch_end = {};
};

KERATIN_API std::shared_ptr<Callback> LambdaCallback(
    LambdaCallbackOptions options);

/// Stops when the loss is NaN or infinite.
KERATIN_API std::shared_ptr<Callback> TerminateOnNaN();

/// The callback a config names: ["EarlyStopping", {...}] as class name and
/// arguments. Throws InvalidArgument with the nearest name.
KERATIN_API std::shared_ptr<Callback> from_config(
    const std::string& class_name,
    const Config& arguments,
    const std::string& where = "callback");

KERATIN_API std::vector<std::string> names();

/// JSON Schema of the arguments of a callback that configs may name. Throws
/// InvalidArgument with the nearest name.
KERATIN_API Config arguments_schema(const std::string& class_name);

}  // namespace callbacks
}  // namespace keratin
