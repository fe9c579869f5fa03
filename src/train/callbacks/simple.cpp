// Callbacks of a few lines, and the table of those that configs name.

#include <cmath>
#include <cstdio>
#include <utility>

#include <keratin/callbacks.hpp>
#include <keratin/error.hpp>

#include "src/core/fields.hpp"
#include "src/core/format.hpp"
#include "src/core/names.hpp"

namespace keratin {

namespace {

class LambdaCallbackImpl final : public Callback {
 public:
  explicit LambdaCallbackImpl(callbacks::LambdaCallbackOptions options)
      : options_(std::move(options)) {}

  void on_epoch_begin(std::int64_t epoch, Logs& logs) override {
    if (options_.on_epoch_begin) options_.on_epoch_begin(epoch, logs);
  }

  void on_epoch_end(std::int64_t epoch, Logs& logs) override {
    if (options_.on_epoch_end) options_.on_epoch_end(epoch, logs);
  }

  void on_train_begin(Logs& logs) override {
    if (options_.on_train_begin) options_.on_train_begin(logs);
  }

  void on_train_end(Logs& logs) override {
    if (options_.on_train_end) options_.on_train_end(logs);
  }

  void on_train_batch_begin(std::int64_t batch, Logs& logs) override {
    if (options_.on_train_batch_begin) {
      options_.on_train_batch_begin(batch, logs);
    }
  }

  void on_train_batch_end(std::int64_t batch, Logs& logs) override {
    if (options_.on_train_batch_end) options_.on_train_batch_end(batch, logs);
  }

 private:
  callbacks::LambdaCallbackOptions options_;
};

class TerminateOnNaNCallback final : public Callback {
 public:
  void on_train_batch_end(std::int64_t batch, Logs& logs) override {
    const std::optional<double> loss = logs.find("loss");
    if (!loss || std::isfinite(*loss)) return;
    std::printf(
        "Batch %lld: Invalid loss, terminating training\n",
        static_cast<long long>(batch));
    model().stop_training = true;
  }
};

/// The arguments of a callback as fields, so that configs are read and checked
/// like those of layers.
class Arguments : public Serializable {
 public:
  std::string module() const override { return "keras.callbacks"; }

  virtual std::shared_ptr<Callback> make() const = 0;
};

class EarlyStoppingArguments final : public Arguments {
 public:
  std::string class_name() const override { return "EarlyStopping"; }

  void fields(FieldVisitor& visit) override {
    visit("monitor", o_.monitor);
    visit("min_delta", o_.min_delta);
    visit("patience", o_.patience, {.minimum = 0});
    visit("verbose", verbose_);
    visit("mode", o_.mode, {.choices = {"auto", "min", "max"}});
    visit("baseline", o_.baseline);
    visit("restore_best_weights", o_.restore_best_weights);
    visit("start_from_epoch", o_.start_from_epoch, {.minimum = 0});
  }

  std::shared_ptr<Callback> make() const override {
    auto options = o_;
    options.verbose = static_cast<int>(verbose_);
    return callbacks::EarlyStopping(std::move(options));
  }

 private:
  callbacks::EarlyStoppingOptions o_;
  std::int64_t verbose_ = 0;
};

class ReduceLROnPlateauArguments final : public Arguments {
 public:
  std::string class_name() const override { return "ReduceLROnPlateau"; }

  void fields(FieldVisitor& visit) override {
    visit("monitor", o_.monitor);
    visit("factor", o_.factor);
    visit("patience", o_.patience, {.minimum = 0});
    visit("verbose", verbose_);
    visit("mode", o_.mode, {.choices = {"auto", "min", "max"}});
    visit("min_delta", o_.min_delta);
    visit("cooldown", o_.cooldown, {.minimum = 0});
    visit("min_lr", o_.min_lr, {.minimum = 0});
  }

  std::shared_ptr<Callback> make() const override {
    auto options = o_;
    options.verbose = static_cast<int>(verbose_);
    return callbacks::ReduceLROnPlateau(std::move(options));
  }

 private:
  callbacks::ReduceLROnPlateauOptions o_;
  std::int64_t verbose_ = 0;
};

class TerminateOnNaNArguments final : public Arguments {
 public:
  std::string class_name() const override { return "TerminateOnNaN"; }

  std::shared_ptr<Callback> make() const override {
    return callbacks::TerminateOnNaN();
  }
};

struct Entry {
  const char* name;
  std::unique_ptr<Arguments> (*make)();
};

template <class T>
std::unique_ptr<Arguments> make_arguments() {
  return std::make_unique<T>();
}

constexpr Entry kCallbacks[] = {
    {"EarlyStopping", &make_arguments<EarlyStoppingArguments>},
    {"ReduceLROnPlateau", &make_arguments<ReduceLROnPlateauArguments>},
    {"TerminateOnNaN", &make_arguments<TerminateOnNaNArguments>},
};

std::unique_ptr<Arguments> find_arguments(
    const std::string& class_name, const std::string& where) {
  for (const Entry& entry : kCallbacks) {
    if (class_name == entry.name) return entry.make();
  }
  std::string known;
  for (const Entry& entry : kCallbacks) {
    known += format("{}{}", known.empty() ? "" : ", ", entry.name);
  }
  if (class_name == "LearningRateScheduler" || class_name == "LambdaCallback") {
    throw InvalidArgument(format(
        "[{}] expected one of {}; {} takes a function, so only C++ makes one: "
        "callbacks::{}",
        where,
        known,
        class_name,
        class_name));
  }
  throw InvalidArgument(format(
      "[{}] expected one of {}; no callback is called '{}'{}",
      where,
      known,
      class_name,
      did_you_mean(class_name, callbacks::names())));
}

}  // namespace

std::shared_ptr<Callback> callbacks::LambdaCallback(
    LambdaCallbackOptions options) {
  return std::make_shared<LambdaCallbackImpl>(std::move(options));
}

std::shared_ptr<Callback> callbacks::TerminateOnNaN() {
  return std::make_shared<TerminateOnNaNCallback>();
}

std::shared_ptr<Callback> callbacks::from_config(
    const std::string& class_name,
    const Config& arguments,
    const std::string& where) {
  const auto made = find_arguments(class_name, where);
  if (!arguments.is_null()) made->from_config(arguments, where);
  return made->make();
}

Config callbacks::arguments_schema(const std::string& class_name) {
  return fields_schema(*find_arguments(class_name, "callback"));
}

std::vector<std::string> callbacks::names() {
  std::vector<std::string> out;
  for (const Entry& entry : kCallbacks) out.emplace_back(entry.name);
  return out;
}

}  // namespace keratin
