#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <keratin/config.hpp>
#include <keratin/export.hpp>
#include <keratin/model.hpp>
#include <keratin/training.hpp>

namespace keratin {

/// What a callback keeps from one call to the next, as a checkpoint holds it.
struct CallbackState {
  Config values = Config::object();      // numbers survive bit for bit
  std::map<std::string, Tensor> arrays;  // of any dtype but strings

  bool empty() const { return values.size() == 0 && arrays.empty(); }
};

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

  /// Puts what the callback has to know to go on into a checkpoint
  /// (BackupAndRestore). Called after a step or an epoch, when every callback
  /// has seen it. The base keeps nothing.
  virtual void save_state(CallbackState& state) const;

  /// Takes what save_state gave, after on_train_begin of a run that goes on;
  /// the on_epoch_begin of an epoch that had begun is not called again. Not
  /// called for a checkpoint without a state of this class.
  virtual void restore_state(const CallbackState& state);

  /// Set by fit before anything else is called.
  void set_model(ModelImpl* model) { model_ = model; }

  /// epochs, steps (-1: unknown), verbose; whether the run goes on from a
  /// checkpoint, so that on_train_begin leaves alone what it would begin anew.
  struct Params {
    std::int64_t epochs = 1;
    std::int64_t steps = -1;
    int verbose = 0;
    bool resumed = false;
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
  std::function<void(Logs&)> on_test_begin = {};
  std::function<void(Logs&)> on_test_end = {};
  std::function<void(std::int64_t, Logs&)> on_test_batch_begin = {};
  std::function<void(std::int64_t, Logs&)> on_test_batch_end = {};
  std::function<void(Logs&)> on_predict_begin = {};
  std::function<void(Logs&)> on_predict_end = {};
  std::function<void(std::int64_t, Logs&)> on_predict_batch_begin = {};
  std::function<void(std::int64_t, Logs&)> on_predict_batch_end = {};
};

KERATIN_API std::shared_ptr<Callback> LambdaCallback(
    LambdaCallbackOptions options);

struct TerminateOnNaNOptions {
  bool raise_error = false;  // fit throws keratin::Error instead of ending
};

/// Stops when the loss is NaN or infinite.
KERATIN_API std::shared_ptr<Callback> TerminateOnNaN(
    TerminateOnNaNOptions options = {});

struct CSVLoggerOptions {
  std::string separator = ",";
  bool append = false;  // to a file that is there, else it is replaced
};

/// Writes a line per epoch, as Keras does. Throws SystemError from
/// on_train_begin when the file cannot be opened; a later failure (a full disk)
/// is a warning. A run that goes on from a checkpoint goes on in the file.
KERATIN_API std::shared_ptr<Callback> CSVLogger(
    std::string filename, CSVLoggerOptions options = {});

/// When to save: at the end of each "epoch", or after so many batches.
class KERATIN_API SaveFrequency {
 public:
  // NOLINTBEGIN(google-explicit-constructor): "epoch" and 100 read as such
  SaveFrequency(const char* name);  // "epoch", or "never"

  SaveFrequency(const std::string& name) : SaveFrequency(name.c_str()) {}

  SaveFrequency(int batches) : SaveFrequency(std::int64_t{batches}) {}

  SaveFrequency(std::int64_t batches);  // >= 1

  // NOLINTEND(google-explicit-constructor)

  bool every_epoch() const { return batches_ == 0; }

  bool never() const { return batches_ < 0; }

  /// REQUIRES: neither every_epoch() nor never().
  std::int64_t batches() const { return batches_; }

 private:
  std::int64_t batches_;
};

struct ModelCheckpointOptions {
  std::string monitor = "val_loss";
  int verbose = 0;
  bool save_best_only = false;
  bool save_weights_only = false;
  std::string mode = "auto";  // "auto", "min" or "max"
  SaveFrequency save_freq = "epoch";
  std::optional<double> initial_value_threshold = {};

  /// Of the files written in this run, how many of the last stay; all.
  std::optional<std::int64_t> max_to_keep = {};
};

/// Saves the model (".keras", ".h5") or its weights (".weights.h5").
/// `filepath` may hold Python's replacement fields of epoch (from 1), batch
/// (from 1, when saving by batches) and everything that is logged:
/// "{epoch:02d}-{val_loss:.2f}.keras". Folders are made.
///
/// What is saved is copied in memory and written beside the training; a file
/// appears whole or not at all. Failing to write is a warning, and the files
/// that were there stay. With verbose, training waits for the file.
KERATIN_API std::shared_ptr<Callback> ModelCheckpoint(
    std::string filepath, ModelCheckpointOptions options = {});

struct SwapEMAWeightsOptions {
  /// Also between the end of an epoch and the begin of the next, for callbacks
  /// behind this one.
  bool swap_on_epoch = false;
};

/// Evaluates with the averages that an optimizer with use_ema keeps, in place
/// of the weights. fit throws InvalidArgument without such an optimizer.
KERATIN_API std::shared_ptr<Callback> SwapEMAWeights(
    SwapEMAWeightsOptions options = {});

/// The progress bar that fit adds itself unless verbose is 0; one given among
/// the callbacks is used in its stead, in its place.
KERATIN_API std::shared_ptr<Callback> ProgbarLogger();

struct BackupAndRestoreOptions {
  SaveFrequency save_freq = "epoch";  // "never": only when `stop` says so
  bool double_checkpoint = false;     // keeps the one before, too
  bool delete_checkpoint = true;      // when fit has come to its end

  /// Else the run begins anew, whatever is there, and writes over it.
  bool restore = true;

  /// Asked after every step and epoch: whether to write a checkpoint and end
  /// fit there. The epoch is neither validated nor in the history; the next
  /// run goes on.
  std::function<bool()> stop = {};
};

/// Writes all that a run is made of into `backup_dir`, and goes on from there
/// when there is one: weights, optimizer, running metrics, random state,
/// callbacks, history, the place in the data and what was chosen by timing. A
/// run that goes on gives bit for bit what it would have without the stop, in
/// the middle of an epoch, too (docs/checkpoints.md).
///
/// A checkpoint is copied in memory and written beside the training; when one
/// is due before the last is written, the last goes. A failure to write is a
/// warning. fit throws InvalidArgument for a checkpoint that is damaged or of
/// another model, data or batch size; a damaged one gives way to the one before
/// (double_checkpoint).
KERATIN_API std::shared_ptr<Callback> BackupAndRestore(
    std::string backup_dir, BackupAndRestoreOptions options = {});

/// Where a checkpoint stands.
struct CheckpointInfo {
  std::string path;
  std::int64_t epoch = 0;  // that goes on or comes next, from 0
  std::int64_t step = 0;   // steps done of it
  bool finished = false;   // written when fit had come to its end
};

/// The checkpoint that BackupAndRestore would go on from, or none. Throws as it
/// does.
KERATIN_API std::optional<CheckpointInfo> find_checkpoint(
    const std::string& backup_dir);

/// Removes the checkpoints of BackupAndRestore, and the folder when nothing
/// else is in it. Throws SystemError.
KERATIN_API void remove_checkpoints(const std::string& backup_dir);

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
