#pragma once

#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <keratin/config.hpp>
#include <keratin/export.hpp>
#include <keratin/layer.hpp>
#include <keratin/training.hpp>

namespace keratin {

struct TrainerState;

/// What a model derives from: a layer that can be trained. Derive from it to
/// own the forward pass (override call or call_many and give layers to
/// add_sublayer) or the training step (override train_step).
class KERATIN_API ModelImpl : public LayerImpl {
 public:
  explicit ModelImpl(std::string name = {}, DTypePolicy dtype = {});
  ~ModelImpl() override;

  /// Layers in order; for a subclass, those given to add_sublayer.
  virtual std::vector<Layer> layers() const;

  /// Names of inputs and outputs; a subclass has none until it overrides.
  virtual std::vector<std::string> input_names() const { return {}; }

  virtual std::vector<std::string> output_names() const { return {}; }

  /// Shapes and dtypes of the inputs, when they are known.
  virtual std::vector<Spec> input_specs() const { return {}; }

  /// Shapes and dtypes of the outputs, when they are known.
  virtual std::vector<Spec> output_specs() const { return {}; }

  bool casts_inputs() const override { return false; }

  /// Masks go through the layers inside.
  bool supports_masking() const override { return true; }

  std::vector<Value> compute_masks(
      CallContext& ctx,
      const CallInputs& inputs,
      const std::vector<Value>& outputs) override;

  // -- the step, as graph
  // ------------------------------------------------------

  /// y_pred = model(x); loss; gradients; optimizer; metrics. Override for a
  /// training of one's own (examples/vae.cpp shows one).
  virtual void train_step(StepContext& ctx, const StepData& data);
  virtual void test_step(StepContext& ctx, const StepData& data);
  virtual std::vector<Value> predict_step(
      StepContext& ctx, const std::vector<Value>& x);

  /// The forward pass on a list of inputs.
  std::vector<Value> forward(CallContext& ctx, const std::vector<Value>& x);

  /// The compiled losses, weighted, plus what layers and regularizers add: a
  /// scalar. Throws InvalidArgument when there is no loss at all.
  virtual Value compute_loss(
      StepContext& ctx, const StepData& data, const std::vector<Value>& y_pred);

  /// Updates the compiled metrics.
  virtual void compute_metrics(
      StepContext& ctx, const StepData& data, const std::vector<Value>& y_pred);

  // -- training
  // ----------------------------------------------------------------

  void compile(CompileArguments arguments);
  bool compiled() const;
  const CompileArguments& compile_arguments() const;

  /// Throws InvalidArgument unless compiled.
  Optimizer& optimizer();

  History fit(
      const TensorSet& x, const TensorSet& y, const FitArguments& arguments);
  History fit(const data::Dataset& x, const FitArguments& arguments);
  Logs evaluate(
      const TensorSet& x,
      const TensorSet& y,
      const EvaluateArguments& arguments);
  Logs evaluate(const data::Dataset& x, const EvaluateArguments& arguments);
  std::vector<Tensor> predict(
      const TensorSet& x, const PredictArguments& arguments);
  std::vector<Tensor> predict(
      const data::Dataset& x, const PredictArguments& arguments);

  Logs train_on_batch(
      const TensorSet& x,
      const TensorSet& y,
      const TensorSet& sample_weight,
      const std::map<std::int64_t, double>& class_weight);
  Logs test_on_batch(
      const TensorSet& x, const TensorSet& y, const TensorSet& sample_weight);
  std::vector<Tensor> predict_on_batch(const TensorSet& x);

  /// The metrics' values now.
  Logs metric_results();
  void reset_metrics();

  /// Set by callbacks to end fit after this batch.
  bool stop_training = false;

  TrainerState& trainer() { return *trainer_; }

  const TrainerState& trainer_state() const { return *trainer_; }

 private:
  std::unique_ptr<TrainerState> trainer_;
};

struct SummaryOptions {
  std::optional<std::int64_t> line_length = {};  // default: fits the names
  bool expand_nested = false;
  bool show_trainable = false;
};

struct LoadOptions {
  /// Opens the file in another precision: "float64".
  std::string dtype = {};

  /// Whether to compile the model as it was saved, optimizer state included.
  bool compile = true;
};

struct LoadWeightsOptions {
  /// Leaves weights alone that are missing in the file or differ in shape.
  bool skip_mismatch = false;

  /// Only layers that have the same name in the file, whatever else is in
  /// either. For the .h5 files of Keras 1 and 2, which know names.
  bool by_name = false;
};

/// A handle on a model: copies are the same model. Built from symbolic tensors
/// (functional), from a list of layers (Sequential) or from a class of the
/// user's own (make_model).
///
/// Programs of one model run one at a time; predict is safe from several
/// threads.
class KERATIN_API Model : public Layer {
 public:
  Model() = default;  // none

  explicit Model(std::shared_ptr<ModelImpl> impl);

  /// Every output must depend on the inputs alone. Throws InvalidArgument for a
  /// graph that is not connected and for two layers of one name.
  Model(
      std::vector<SymbolicTensor> inputs,
      std::vector<SymbolicTensor> outputs,
      std::string name = {});
  Model(
      const SymbolicTensor& input,
      const SymbolicTensor& output,
      std::string name = {});

  void compile(CompileArguments arguments = {});

  /// Trains; shuffles every epoch with the global seed unless told otherwise.
  History fit(
      const TensorSet& x,
      const TensorSet& y,
      const FitArguments& arguments = {});

  /// Trains on the elements of a dataset, one batch each: x, y and, where there
  /// are any, sample weights. A pass is an epoch, `iterate(epoch)`; with
  /// steps_per_epoch an epoch goes on where the last one stopped, and a dataset
  /// may repeat for ever.
  History fit(const data::Dataset& x, const FitArguments& arguments = {});

  /// Loss and metrics over the data.
  Logs evaluate(
      const TensorSet& x,
      const TensorSet& y,
      const EvaluateArguments& arguments = {});
  Logs evaluate(
      const data::Dataset& x, const EvaluateArguments& arguments = {});

  /// The output of a model that has one. Throws InvalidArgument otherwise. Of
  /// a dataset's elements x alone is used.
  Tensor predict(const TensorSet& x, const PredictArguments& arguments = {});
  Tensor predict(
      const data::Dataset& x, const PredictArguments& arguments = {});

  /// All outputs.
  std::vector<Tensor> predict_all(
      const TensorSet& x, const PredictArguments& arguments = {});
  std::vector<Tensor> predict_all(
      const data::Dataset& x, const PredictArguments& arguments = {});

  /// One step. The logs are the running metrics since reset_metrics.
  Logs train_on_batch(
      const TensorSet& x,
      const TensorSet& y,
      const TensorSet& sample_weight = {},
      const std::map<std::int64_t, double>& class_weight = {});
  Logs test_on_batch(
      const TensorSet& x,
      const TensorSet& y,
      const TensorSet& sample_weight = {});
  std::vector<Tensor> predict_on_batch(const TensorSet& x);
  void reset_metrics();

  std::vector<Layer> layers() const;

  /// By name, or by index. Throw InvalidArgument with the nearest name.
  Layer get_layer(const std::string& name) const;
  Layer get_layer(std::size_t index) const;

  std::vector<SymbolicTensor> inputs() const;
  std::vector<SymbolicTensor> outputs() const;

  /// Makes the weights for an input of this shape (batch included).
  void build(const Shape& input_shape);

  /// Keras's table.
  std::string summary(const SummaryOptions& options = {}) const;

  /// Keras 3's JSON.
  std::string to_json(int indent = -1) const;

  /// By the name's ending: ".keras", or ".h5" and ".hdf5" in the form of
  /// Keras 2. Atomic: the old file stays whole until the new one is. Throws
  /// SystemError naming the call that failed.
  void save(const std::string& path) const;

  /// ".weights.h5" in the form of Keras 3, ".h5" in that of Keras 2.
  void save_weights(const std::string& path) const;

  /// From any file with weights that Keras 1, 2 or 3 wrote (".keras", ".h5",
  /// ".weights.h5", ".weights.json" with its shards); what it is its content
  /// tells. A mismatch throws InvalidArgument listing every missing,
  /// unexpected and mis-shaped weight and changes nothing.
  void load_weights(
      const std::string& path, const LoadWeightsOptions& options = {});

  bool compiled() const;
  Optimizer& optimizer() const;

  ModelImpl& model_impl() const;
};

/// A plain stack of layers, each with one input and one output.
class KERATIN_API Sequential : public Model {
 public:
  explicit Sequential(std::string name = {});
  Sequential(std::initializer_list<Layer> layers, std::string name = {});
  explicit Sequential(const std::vector<Layer>& layers, std::string name = {});

  void add(const Layer& layer);

  /// Takes the last layer away.
  void pop();
};

/// A handle on a model of class Impl, derived from ModelImpl.
template <class Impl, class... Args>
Model make_model(Args&&... args) {
  return Model(std::make_shared<Impl>(std::forward<Args>(args)...));
}

/// A model saved by Keratin or by any Keras since 1.0 (".keras", ".h5").
/// Nothing in the file is run. Throws InvalidArgument for what is wrong with
/// the file, SystemError when it cannot be read.
KERATIN_API Model
load_model(const std::string& path, const LoadOptions& options = {});

/// The model a JSON of Keras 1, 2 or 3 describes, with fresh weights.
KERATIN_API Model
model_from_json(const std::string& json, const LoadOptions& options = {});
KERATIN_API Model
model_from_config(const Config& config, const LoadOptions& options = {});

/// The same architecture with weights of its own.
KERATIN_API Model clone_model(const Model& model);

KERATIN_API std::ostream& operator<<(std::ostream& out, const Model& model);

}  // namespace keratin
