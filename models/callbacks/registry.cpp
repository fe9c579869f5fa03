// The callbacks that configs name.

#include <memory>
#include <utility>

#include <keratin/callbacks.hpp>
#include <keratin/error.hpp>

#include "src/core/fields.hpp"
#include "src/core/format.hpp"
#include "src/core/names.hpp"
#include "src/train/callbacks/save_frequency.hpp"

namespace keratin {

namespace {

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

  void fields(FieldVisitor& visit) override {
    visit("raise_error", o_.raise_error);
  }

  std::shared_ptr<Callback> make() const override {
    return callbacks::TerminateOnNaN(o_);
  }

 private:
  callbacks::TerminateOnNaNOptions o_;
};

class BackupAndRestoreArguments final : public Arguments {
 public:
  std::string class_name() const override { return "BackupAndRestore"; }

  void fields(FieldVisitor& visit) override {
    visit("backup_dir", backup_dir_, {.required = true});
    visit("save_freq", save_freq_);
    visit("double_checkpoint", o_.double_checkpoint);
    visit("delete_checkpoint", o_.delete_checkpoint);
  }

  std::shared_ptr<Callback> make() const override {
    auto options = o_;
    options.save_freq = save_frequency_of(save_freq_, class_name());
    return callbacks::BackupAndRestore(backup_dir_, std::move(options));
  }

 private:
  std::string backup_dir_;
  Config save_freq_ = "epoch";
  callbacks::BackupAndRestoreOptions o_;
};

class CSVLoggerArguments final : public Arguments {
 public:
  std::string class_name() const override { return "CSVLogger"; }

  void fields(FieldVisitor& visit) override {
    visit("filename", filename_, {.required = true});
    visit("separator", o_.separator);
    visit("append", o_.append);
  }

  std::shared_ptr<Callback> make() const override {
    return callbacks::CSVLogger(filename_, o_);
  }

 private:
  std::string filename_;
  callbacks::CSVLoggerOptions o_;
};

class ModelCheckpointArguments final : public Arguments {
 public:
  std::string class_name() const override { return "ModelCheckpoint"; }

  void fields(FieldVisitor& visit) override {
    visit("filepath", filepath_, {.required = true});
    visit("monitor", o_.monitor);
    visit("verbose", verbose_);
    visit("save_best_only", o_.save_best_only);
    visit("save_weights_only", o_.save_weights_only);
    visit("mode", o_.mode, {.choices = {"auto", "min", "max"}});
    visit("save_freq", save_freq_);
    visit("initial_value_threshold", o_.initial_value_threshold);
    visit("max_to_keep", o_.max_to_keep, {.minimum = 1});
  }

  std::shared_ptr<Callback> make() const override {
    auto options = o_;
    options.verbose = static_cast<int>(verbose_);
    options.save_freq = save_frequency_of(save_freq_, class_name());
    return callbacks::ModelCheckpoint(filepath_, std::move(options));
  }

 private:
  std::string filepath_;
  Config save_freq_ = "epoch";
  callbacks::ModelCheckpointOptions o_;
  std::int64_t verbose_ = 0;
};

class SwapEMAWeightsArguments final : public Arguments {
 public:
  std::string class_name() const override { return "SwapEMAWeights"; }

  void fields(FieldVisitor& visit) override {
    visit("swap_on_epoch", o_.swap_on_epoch);
  }

  std::shared_ptr<Callback> make() const override {
    return callbacks::SwapEMAWeights(o_);
  }

 private:
  callbacks::SwapEMAWeightsOptions o_;
};

class ProgbarLoggerArguments final : public Arguments {
 public:
  std::string class_name() const override { return "ProgbarLogger"; }

  std::shared_ptr<Callback> make() const override {
    return callbacks::ProgbarLogger();
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
    {"BackupAndRestore", &make_arguments<BackupAndRestoreArguments>},
    {"CSVLogger", &make_arguments<CSVLoggerArguments>},
    {"EarlyStopping", &make_arguments<EarlyStoppingArguments>},
    {"ModelCheckpoint", &make_arguments<ModelCheckpointArguments>},
    {"ProgbarLogger", &make_arguments<ProgbarLoggerArguments>},
    {"ReduceLROnPlateau", &make_arguments<ReduceLROnPlateauArguments>},
    {"SwapEMAWeights", &make_arguments<SwapEMAWeightsArguments>},
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

std::shared_ptr<Callback> callbacks::from_config(
    const std::string& class_name,
    const Config& arguments,
    const std::string& where) {
  const auto made = find_arguments(class_name, where);
  made->from_config(arguments.is_null() ? Config::object() : arguments, where);
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
