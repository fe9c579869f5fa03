// Pipeline, MaxNumBoundingBoxes.

#include <algorithm>
#include <array>
#include <utility>

#include <keratin/layers/core.hpp>

#include "layers/base/naming.hpp"
#include "layers/preprocessing/boxes.hpp"
#include "layers/support/factories.hpp"

namespace keratin::layers {

namespace {

class MaxNumBoundingBoxesImpl final : public ImageLayer {
 public:
  MaxNumBoundingBoxesImpl() = default;

  MaxNumBoundingBoxesImpl(
      std::int64_t max_number, const MaxNumBoundingBoxesOptions& options)
      : ImageLayer(options),
        max_number_(max_number),
        fill_value_(options.fill_value) {
    settle();
  }

  std::string class_name() const override { return "MaxNumBoundingBoxes"; }

  void fields(FieldVisitor& visit) override {
    ImageLayer::fields(visit);
    visit("max_number", max_number_, {.required = true, .minimum = 1});
    visit("fill_value", fill_value_);
  }

  /// Keras forgets the fill_value; ours is written unless it is the default.
  Config get_config() const override {
    Config config = ImageLayer::get_config();
    if (fill_value_ == -1) config.erase("fill_value");
    return config;
  }

  Transformation transformation(const Draw& draw) const override {
    (void)draw;
    return {.boxes = [this](const Boxes& boxes) {
      const auto fit = [this](const Value& x) {
        if (!x) return x;
        const std::int64_t count = x.shape()[1];
        ops::Ints none(x.rank(), 0);
        ops::Ints more = none;
        more[1] = max_number_ - count;  // negative amounts crop
        return ops::pad(x, none, more, static_cast<double>(fill_value_));
      };
      return Boxes{fit(boxes.boxes), fit(boxes.labels)};
    }};
  }

 protected:
  bool works_always() const override { return true; }

  bool keeps_integers() const override { return true; }

  bool is_random() const override { return false; }

 private:
  std::int64_t max_number_ = 1;
  std::int64_t fill_value_ = -1;
};

class PipelineImpl final : public KerasLayer {
 public:
  PipelineImpl() = default;

  PipelineImpl(std::vector<Layer> layers, const std::string& name)
      : KerasLayer(LayerOptions{.name = name}), layers_(std::move(layers)) {
    for (const Layer& layer : layers_) {
      if (!layer) fail("expected layers, got an empty one");
    }
    add_all();
  }

  std::string class_name() const override { return "Pipeline"; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("layers", serialized_, {.required = true});
  }

  /// Keras writes the layers and the name.
  Config get_config() const override {
    Config list = Config::array();
    for (const Layer& layer : layers_) list.push_back(serialize(layer.impl()));
    return Config::object({{"layers", list}, {"name", name()}});
  }

  bool supports_masking() const override { return true; }

  bool casts_inputs() const override { return false; }  // its layers do

  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override {
    CallInputs now;
    for (const Argument<Value>& item : inputs.items) {
      if (!item.tensors.empty()) now.items.push_back(item);
    }
    // Layers give their results in this order.
    constexpr std::array<std::string_view, 6> kOrder = {
        "", "images", "labels", "segmentation_masks", "boxes", "box_labels"};
    std::stable_sort(
        now.items.begin(), now.items.end(), [&](const auto& a, const auto& b) {
          const auto place = [&](const std::string& name) {
            return std::find(kOrder.begin(), kOrder.end(), name);
          };
          return place(a.name) < place(b.name);
        });
    for (const Layer& layer : layers_) {
      const bool takes_all =
          dynamic_cast<const ImageLayer*>(&layer.impl()) != nullptr ||
          dynamic_cast<const PipelineImpl*>(&layer.impl()) != nullptr;
      CallInputs given = now;
      if (!takes_all) given.items.resize(1);
      const std::vector<Value> results = layer.call(ctx, given);
      if (results.size() != given.items.size()) {
        fail(format(
            "expected {} results of {}, got {}",
            given.items.size(),
            layer.name(),
            results.size()));
      }
      for (std::size_t i = 0; i < results.size(); ++i) {
        now.items[i].tensors = {results[i]};
      }
    }
    return now.tensors();
  }

 protected:
  void settle() override {
    KerasLayer::settle();
    if (serialized_.is_null()) return;
    if (!serialized_.is_array()) {
      fail(format("expected a list of layers, got {}", serialized_.kind()));
    }
    layers_.clear();
    for (const Config& layer : serialized_.as_array()) {
      layers_.push_back(deserialize_layer(layer, who()));
    }
    add_all();
  }

 private:
  void add_all() {
    clear_sublayers();
    for (const Layer& layer : layers_) {
      add_sublayer(
          "_pipeline_layers/" + to_snake_case(layer.class_name()), layer);
    }
  }

  std::vector<Layer> layers_;
  Config serialized_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_max_num_bounding_boxes() {
  return std::make_shared<MaxNumBoundingBoxesImpl>();
}

std::shared_ptr<LayerImpl> make_pipeline() {
  return std::make_shared<PipelineImpl>();
}

MaxNumBoundingBoxes::MaxNumBoundingBoxes(
    std::int64_t max_number, MaxNumBoundingBoxesOptions options)
    : Layer(std::make_shared<MaxNumBoundingBoxesImpl>(max_number, options)) {}

Pipeline::Pipeline(std::vector<Layer> layers, std::string name)
    : Layer(
          std::make_shared<PipelineImpl>(std::move(layers), std::move(name))) {}

}  // namespace keratin::layers
