#pragma once

#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <keratin/callbacks.hpp>
#include <keratin/config.hpp>
#include <keratin/data/dataset.hpp>
#include <keratin/data/examples.hpp>
#include <keratin/export.hpp>
#include <keratin/model.hpp>
#include <keratin/training.hpp>

namespace keratin {

/// Arrays; or, of files that are read bit by bit, batches that are made when
/// they are asked for, and no arrays (of arrays that are augmented, both).
/// Empty without either.
struct DataPart : data::Examples {
  std::optional<data::Dataset> batches;

  /// Messages of what was left out of the files so far; empty: of none.
  std::function<std::vector<std::string>()> skipped;

  DataPart() = default;

  // NOLINTNEXTLINE(google-explicit-constructor): examples are data
  DataPart(data::Examples examples) : data::Examples(std::move(examples)) {}

  bool empty() const { return !batches && x.size() == 0; }
};

/// The data of an experiment; the validation and the test part may be empty.
struct ExperimentData {
  DataPart train;
  DataPart validation;
  DataPart test;

  bool has_test() const { return !test.empty(); }

  /// The part that training knew least of: test, else validation, else train.
  const DataPart& last() const {
    return has_test() ? test : validation.empty() ? train : validation;
  }
};

/// What running an experiment may be told from outside the config.
struct RunOptions {
  std::optional<int> verbose = {};  // over fit's
  std::vector<std::shared_ptr<Callback>> callbacks = {};
  std::ostream* out = nullptr;  // summary and results; null: nowhere

  /// Asked after every step, and before each phase: whether to leave out what
  /// is still to train. The next run goes on from the checkpoint then.
  std::function<bool()> stop = {};
  std::string predictions = {};  // over output's

  /// A folder for checkpoints of a config that has no BackupAndRestore among
  /// its callbacks; empty: none. `backup.stop` is `stop`. They go when all
  /// outputs have been written, if they are to be deleted.
  std::string backup_dir = {};
  callbacks::BackupAndRestoreOptions backup = {};

  /// Told what `out` says in words: {"event": "test", "loss": ...}, with the
  /// events "phase", "validation", "test" and "wrote".
  std::function<void(const Config&)> event = {};
};

struct RunResult {
  History history;  // of all phases, epochs counted on
  Logs validation;  // empty without a validation part
  Logs test;        // empty without a test part

  /// Where a run that was stopped goes on, when it has written that.
  std::optional<callbacks::CheckpointInfo> checkpoint;
};

/// One JSON config: a model, data, how to compile and fit, what to write.
///
///   {"data": {"name": "digits"},
///    "model": {"layers": [{"Flatten": {}},
///                         {"Dense": {"units": 10, "activation": "softmax"}}]},
///    "compile": {"optimizer": "adam",
///                "loss": "sparse_categorical_crossentropy",
///                "metrics": ["accuracy"]},
///    "fit": {"epochs": 5}}
///
/// Every name is Keras's; `keratin schema` prints the JSON Schema. Reading
/// checks everything that can be checked without computing: unknown keys, wrong
/// types and impossible values throw InvalidArgument with the JSON path
/// ("$.fit.epochs"), what was expected, what came and the nearest known name.
class KERATIN_API Experiment {
 public:
  /// `folder`: what the config's data files are relative to.
  explicit Experiment(const Config& config, std::string folder = ".");

  /// The config in a file. An override is a path and a JSON value, as in
  /// {"fit.epochs", 1}.
  static Experiment from_file(
      const std::string& path,
      const std::vector<std::pair<std::string, Config>>& overrides = {});

  ~Experiment();
  Experiment(Experiment&&) noexcept;
  Experiment& operator=(Experiment&&) noexcept;

  /// The data, read (or fetched) at the first call.
  const ExperimentData& data();

  /// The model, compiled, and built for the data when it has no Input.
  Model model();

  /// The compile arguments given.
  CompileArguments compile_arguments() const;

  /// The folder of the config's BackupAndRestore; empty without one.
  std::string backup_dir() const;

  /// Trains, evaluates on the test part and writes the outputs, whose folders
  /// are made and tried before anything else.
  RunResult run(const RunOptions& options = {});

  /// Everything in it, with defaults filled in.
  Config config() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// JSON Schema (draft 2020-12) of the config.
KERATIN_API Config experiment_schema();

/// The data that a name stands for, split as a config's "data" by default:
/// {"name": "digits"}.
KERATIN_API ExperimentData load_named_data(const std::string& name);

/// "layers", "optimizers", ...: what `keratin list` lists.
KERATIN_API std::vector<std::string> catalogue_kinds();

/// Every class of a kind with the JSON Schema of its arguments, by name. Throws
/// InvalidArgument with the nearest kind.
KERATIN_API Config catalogue(const std::string& kind);

/// Other names that configs may use for a kind's classes, each with the name in
/// the catalogue: {"AvgPool2D": "AveragePooling2D"}. Throws as catalogue.
KERATIN_API Config catalogue_aliases(const std::string& kind);

}  // namespace keratin
