#include <algorithm>
#include <string_view>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/layers/wrappers.hpp>

#include "layers/recurrent/recurrent_layer.hpp"
#include "layers/support/factories.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

/// "forward_lstm" of "lstm" and of "forward_lstm".
std::string with_prefix(const std::string& prefix, std::string name) {
  if (name.starts_with(prefix)) name = name.substr(prefix.size());
  return prefix + name;
}

/// With the arguments that files do not hold, too.
Config full_config(const RecurrentImpl& layer) {
  Config config = serialize(layer);
  const Config all = layer.RecurrentImpl::get_config();
  for (const auto& [key, value] : all.as_object()) {
    if (config.at("config").find(key) == nullptr) config["config"][key] = value;
  }
  return config;
}

class BidirectionalImpl final : public KerasLayer {
 public:
  BidirectionalImpl() = default;

  BidirectionalImpl(const Layer& layer, const BidirectionalOptions& options)
      : KerasLayer(options),
        merge_mode_(options.merge_mode),
        weights_(options.weights) {
    activity_regularizer_ = options.activity_regularizer;
    const RecurrentImpl& recurrent = expect_recurrent(layer);
    layer_config_ = full_config(recurrent);
    if (options.backward_layer) {
      expect_recurrent(options.backward_layer);
    }
    make_layers(options.backward_layer, who());
    settle();
  }

  std::string class_name() const override { return "Bidirectional"; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("merge_mode", merge_mode_);
    visit("layer", layer_config_, {.required = true});
    visit("backward_layer", backward_config_);
  }

  Config get_config() const override {
    Config config = KerasLayer::get_config();
    if (forward_) {
      config["layer"] = serialize(forward_.impl());
      config["backward_layer"] = serialize(backward_.impl());
    }
    return config;
  }

  void from_config(const Config& config, const std::string& where) override {
    Config known = config;
    known.erase("num_constants");  // of Keras 2
    KerasLayer::from_config(known, where);
    Layer backward;
    if (!backward_config_.is_null()) {
      backward = deserialize_layer(backward_config_, where + ".backward_layer");
    }
    make_layers(backward, where);
  }

  bool supports_masking() const override { return true; }

  bool takes_mask() const override { return true; }

  void build(const std::vector<Shape>& inputs) override {
    forward_.impl().ensure_built({inputs[0]});
    backward_.impl().ensure_built({inputs[0]});
    if (weights_.empty()) return;
    const auto half = static_cast<std::ptrdiff_t>(weights_.size() / 2);
    forward_.set_weights({weights_.begin(), weights_.begin() + half});
    backward_.set_weights({weights_.begin() + half, weights_.end()});
    weights_.clear();
  }

  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override {
    const RecurrentArguments call = read(ctx, inputs);
    const std::size_t states = call.initial_state.size();
    if (states % 2 != 0) {
      fail(format(
          "expected an initial_state of as many tensors for each direction, "
          "got {}",
          states));
    }
    const auto half =
        call.initial_state.begin() + static_cast<std::ptrdiff_t>(states / 2);
    std::vector<Value> y =
        one_way(ctx, forward_, call, {call.initial_state.begin(), half});
    std::vector<Value> z =
        one_way(ctx, backward_, call, {half, call.initial_state.end()});
    const DType dtype = compute_dtype();
    y[0] = ops::cast(y[0], dtype);
    z[0] = ops::cast(z[0], dtype);
    if (loop().return_sequences) z[0] = ops::flip(z[0], {1});
    std::vector<Value> outputs = merge(y[0], z[0]);
    outputs.insert(outputs.end(), y.begin() + 1, y.end());
    outputs.insert(outputs.end(), z.begin() + 1, z.end());
    return outputs;
  }

  std::vector<Value> compute_masks(
      CallContext& ctx,
      const CallInputs& inputs,
      const std::vector<Value>& outputs) override {
    std::vector<Value> masks(outputs.size());
    if (!loop().return_sequences) return masks;
    masks[0] = read(ctx, inputs).mask;
    if (!merge_mode_) masks[1] = masks[0];
    return masks;
  }

 protected:
  void settle() override {
    KerasLayer::settle();
    constexpr std::string_view kModes[] = {"concat", "sum", "mul", "ave"};
    if (merge_mode_ &&
        std::find(std::begin(kModes), std::end(kModes), *merge_mode_) ==
            std::end(kModes)) {
      fail(format(
          "expected merge_mode to be \"concat\", \"sum\", \"mul\", \"ave\" or "
          "none, got \"{}\"",
          *merge_mode_));
    }
  }

 private:
  const RecurrentImpl& expect_recurrent(const Layer& layer) const {
    const auto* recurrent =
        layer ? dynamic_cast<const RecurrentImpl*>(&layer.impl()) : nullptr;
    if (recurrent == nullptr) {
      fail(format(
          "expected a recurrent layer (RNN, LSTM, GRU, ...), got {}",
          layer ? layer.impl().who() : std::string("none")));
    }
    return *recurrent;
  }

  static RecurrentImpl& recurrent(const Layer& layer) {
    return dynamic_cast<RecurrentImpl&>(layer.impl());
  }

  const LoopOptions& loop() const { return recurrent(forward_).loop(); }

  void make_layers(const Layer& backward, const std::string& where) {
    Config config = layer_config_;
    const Config* inner = config.find("config");
    const std::string name =
        inner != nullptr && inner->is_object()
            ? inner->get("name", Config("layer")).as_string()
            : std::string("layer");
    config["config"]["name"] = with_prefix("forward_", name);
    forward_ = deserialize_layer(config, where + ".layer");
    expect_recurrent(forward_);
    backward_ = backward;
    if (!backward_) {
      config["config"]["name"] = with_prefix("backward_", name);
      config["config"]["go_backwards"] = true;
      backward_ = deserialize_layer(config, where + ".layer");
    }
    expect_recurrent(backward_);
    check_directions();
    for (const Layer& layer : {forward_, backward_}) {
      recurrent(layer).set_zero_output_for_mask(
          recurrent(layer).loop().return_sequences);
    }
    clear_sublayers();
    add_sublayer("forward_layer", forward_);
    add_sublayer("backward_layer", backward_);
  }

  void check_directions() const {
    const LoopOptions& a = recurrent(forward_).loop();
    const LoopOptions& b = recurrent(backward_).loop();
    if (a.go_backwards == b.go_backwards) {
      fail(format(
          "expected forward and backward layer to differ in go_backwards, got "
          "{} for both",
          a.go_backwards));
    }
    const auto expect_same = [this](const char* what, bool x, bool y) {
      if (x == y) return;
      fail(format(
          "expected the same {} for both layers, got {} for the forward and {} "
          "for the backward layer",
          what,
          x,
          y));
    };
    expect_same("stateful", a.stateful, b.stateful);
    expect_same("return_sequences", a.return_sequences, b.return_sequences);
    expect_same("return_state", a.return_state, b.return_state);
  }

  /// The states of a list given in place of the sequence are those of both.
  RecurrentArguments read(CallContext& ctx, const CallInputs& inputs) const {
    return read_recurrent_arguments(ctx, *this, inputs, inputs.inputs().size());
  }

  static std::vector<Value> one_way(
      CallContext& ctx,
      const Layer& layer,
      const RecurrentArguments& call,
      std::vector<Value> states) {
    CallInputs inputs(call.x);
    if (!states.empty()) {
      inputs.items.push_back({"initial_state", std::move(states), true});
    }
    if (call.mask) inputs.items.push_back({"mask", {call.mask}});
    if (!call.constants.empty()) {
      inputs.items.push_back({"constants", call.constants, true});
    }
    return layer.call(ctx, inputs);
  }

  std::vector<Value> merge(const Value& y, const Value& z) const {
    if (!merge_mode_) return {y, z};
    if (*merge_mode_ == "concat") return {ops::concatenate({y, z})};
    if (*merge_mode_ == "sum") return {y + z};
    if (*merge_mode_ == "mul") return {y * z};
    return {(y + z) / 2.0};
  }

  std::optional<std::string> merge_mode_ = "concat";
  std::vector<Tensor> weights_;  // until built
  Config layer_config_;
  Config backward_config_;
  Layer forward_;
  Layer backward_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_bidirectional() {
  return std::make_shared<BidirectionalImpl>();
}

Bidirectional::Bidirectional(Layer layer, BidirectionalOptions options)
    : RecurrentLayer(std::make_shared<BidirectionalImpl>(layer, options)) {}

}  // namespace keratin::layers
