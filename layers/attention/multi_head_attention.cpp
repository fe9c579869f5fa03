#include <cmath>
#include <utility>

#include "layers/attention/multi_head.hpp"
#include "layers/base/naming.hpp"
#include "layers/functions/rounding.hpp"
#include "layers/support/factories.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

/// "abc" from `first` on.
std::string letters(std::size_t first, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) {
    out += static_cast<char>('a' + first + i);
  }
  return out;
}

class MultiHeadAttentionImpl final : public MultiHeadBase {
 public:
  MultiHeadAttentionImpl() = default;

  MultiHeadAttentionImpl(
      std::int64_t num_heads,
      std::int64_t key_dim,
      const MultiHeadAttentionOptions& options)
      : MultiHeadBase(options),
        num_heads_(num_heads),
        key_dim_(key_dim),
        value_dim_(options.value_dim),
        output_shape_(options.output_shape),
        attention_axes_(options.attention_axes) {
    settle();
  }

  std::string class_name() const override { return "MultiHeadAttention"; }

  void fields(FieldVisitor& visit) override {
    visit_base(visit);
    visit("num_heads", num_heads_, {.required = true, .minimum = 1});
    visit("key_dim", key_dim_, {.required = true, .minimum = 1});
    visit("value_dim", value_dim_, {.minimum = 1});
    visit("dropout", dropout_, {.minimum = 0, .maximum = 1});
    visit("use_bias", use_bias_);
    visit("use_gate", use_gate_);
    visit("output_shape", output_shape_);
    visit("attention_axes", attention_axes_);
    visit("sliding_window", sliding_window_, {.minimum = 1});
    visit("flash_attention", flash_attention_);
    visit_shared(visit);
  }

  Config get_config() const override {
    Config config = KerasLayer::get_config();
    config.erase("flash_attention");  // Keras writes none
    return config;
  }

  /// Keras 2 wrote the shapes it was built with and a few kinds of dims.
  void from_config(const Config& config, const std::string& where) override {
    Config known = config;
    for (const char* key : {"query_shape", "key_shape", "value_shape"}) {
      known.erase(key);
    }
    KerasLayer::from_config(known, where);
  }

  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override {
    const Call call = read(ctx, inputs, /*mask_argument=*/false);
    Value gate;
    const Value query = project(ctx, query_, call.query);
    const Value key = project(ctx, key_, call.key);
    if (use_gate_) gate = project(ctx, gate_, call.query);
    const Value value = project(ctx, value_, call.value);
    const Attended attended = attend(
        ctx,
        query,
        key,
        value,
        call.mask,
        axes_of(value.rank()),
        float_rounded(1 / std::sqrt(static_cast<double>(key_dim_))),
        call.scores);
    const Value y = output_(ctx, gate ? attended.y * gate : attended.y);
    if (call.scores) return {y, attended.scores};
    return {y};
  }

 protected:
  void settle() override {
    MultiHeadBase::settle();
    if (!value_dim_) value_dim_ = key_dim_;
    if (output_shape_.single()) output_shape_ = output_shape_.values();
    if (attention_axes_.single()) attention_axes_ = attention_axes_.values();
    for (const std::int64_t extent : output_shape_.values()) {
      if (extent >= 1) continue;
      fail(format("expected an output_shape of extents >= 1, got {}", extent));
    }
  }

 private:
  /// Counted from the front; `rank` is that of the projected heads.
  std::vector<std::int64_t> axes_of(std::size_t rank) {
    const auto steps = static_cast<std::int64_t>(rank) - 2;  // axes 1 to here
    if (!attention_axes_.given()) {
      std::vector<std::int64_t> all;
      for (std::int64_t axis = 1; axis < steps; ++axis) all.push_back(axis);
      attention_axes_ = Dims(std::move(all));
    }
    std::vector<std::int64_t> axes;
    for (const std::int64_t axis : attention_axes_.values()) {
      axes.push_back(axis < 0 ? axis + steps + 1 : axis);
      if (axes.back() >= 1 && axes.back() < steps) continue;
      fail(format(
          "expected attention_axes between batch and features, got {} for "
          "inputs of rank {}",
          axis,
          rank - 1));
    }
    attention_axes_ = Dims(axes);
    return axes;
  }

  /// "abc,cde->abde" for an input of three axes.
  EinsumDense heads(
      const Shape& input,
      const std::string& attribute,
      const std::string& name,
      std::int64_t features,
      const char* activation = "linear") {
    const std::size_t rank = input.rank();
    const std::string free = letters(0, rank - 1);
    const std::string bound = letters(rank - 1, 1);
    const std::string out = letters(rank, 2);
    std::vector<std::int64_t> shape(rank - 2, kUnknown);
    shape.push_back(num_heads_);
    shape.push_back(features);
    return projection(
        input,
        attribute,
        name,
        free + bound + "," + bound + out + "->" + free + out,
        std::move(shape),
        out,
        activation);
  }

  void make_projections(
      const Shape& query, const Shape& value, const Shape& key) override {
    clear_sublayers();
    query_ = heads(query, "query_dense", "query", key_dim_);
    key_ = heads(key, "key_dense", "key", key_dim_);
    if (use_gate_) {
      gate_ = heads(query, "_gate_dense", "gate", *value_dim_, "sigmoid");
    }
    value_ = heads(value, "value_dense", "value", *value_dim_);
    const std::size_t rank = query.rank();
    std::vector<std::int64_t> last = output_shape_.values();
    if (last.empty()) last = {known_dim(query, -1)};
    const std::string free = letters(0, rank - 1);
    const std::string bound = letters(rank - 1, 2);
    const std::string out = letters(rank + 1, last.size());
    std::vector<std::int64_t> shape(rank - 2, kUnknown);
    shape.insert(shape.end(), last.begin(), last.end());
    Shape attended(std::vector<std::int64_t>(query.begin(), query.end() - 1));
    attended.push_back(num_heads_);
    attended.push_back(*value_dim_);
    output_ = projection(
        attended,
        "output_dense",
        "attention_output",
        free + bound + "," + bound + out + "->" + free + out,
        std::move(shape),
        out);
  }

  std::int64_t num_heads_ = 0;
  std::int64_t key_dim_ = 0;
  std::optional<std::int64_t> value_dim_;
  Dims output_shape_;
  Dims attention_axes_;
  Layer query_;
  Layer key_;
  Layer gate_;
  Layer value_;
  Layer output_;
};

class GroupQueryAttentionImpl final : public MultiHeadBase {
 public:
  GroupQueryAttentionImpl() = default;

  GroupQueryAttentionImpl(
      std::int64_t head_dim,
      std::int64_t num_query_heads,
      std::int64_t num_key_value_heads,
      const GroupQueryAttentionOptions& options)
      : MultiHeadBase(options),
        head_dim_(head_dim),
        query_heads_(num_query_heads),
        key_heads_(num_key_value_heads) {
    if (options.name.empty()) {
      set_name(unique_name(to_snake_case(python_name())));
    }
    settle();
  }

  std::string class_name() const override { return "GroupQueryAttention"; }

  std::string python_name() const override { return "GroupedQueryAttention"; }

  void fields(FieldVisitor& visit) override {
    visit_base(visit);
    visit("head_dim", head_dim_, {.required = true, .minimum = 1});
    visit("num_query_heads", query_heads_, {.required = true, .minimum = 1});
    visit("num_key_value_heads", key_heads_, {.required = true, .minimum = 1});
    visit("use_bias", use_bias_);
    visit("use_gate", use_gate_);
    visit("sliding_window", sliding_window_, {.minimum = 1});
    visit("flash_attention", flash_attention_);
    visit("dropout", dropout_, {.minimum = 0, .maximum = 1});
    visit_shared(visit);
  }

  Config get_config() const override {
    Config config = KerasLayer::get_config();
    config.erase("flash_attention");  // Keras writes none
    return config;
  }

  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override {
    const Call call = read(ctx, inputs, /*mask_argument=*/true);
    const std::int64_t repeats = query_heads_ / key_heads_;
    Value gate;
    const Value query = project(ctx, query_, call.query);
    const Value key = ops::repeat(project(ctx, key_, call.key), repeats, 2);
    if (use_gate_) gate = project(ctx, gate_, call.query);
    const Value value =
        ops::repeat(project(ctx, value_, call.value), repeats, 2);
    const Attended attended = attend(
        ctx,
        query,
        key,
        value,
        call.mask,
        {1},
        float_rounded(1 / std::sqrt(static_cast<double>(head_dim_))),
        call.scores);
    const Value y = output_(ctx, gate ? attended.y * gate : attended.y);
    if (call.scores) return {y, attended.scores};
    return {y};
  }

 protected:
  void settle() override {
    MultiHeadBase::settle();
    // Keras's MultiHeadAttention has it for the projections only.
    activity_regularizer_ = inner_activity_regularizer_;
    if (query_heads_ % key_heads_ != 0) {
      fail(format(
          "expected num_key_value_heads that divide the {} num_query_heads, "
          "got {}",
          query_heads_,
          key_heads_));
    }
  }

 private:
  void make_projections(
      const Shape& query, const Shape& value, const Shape& key) override {
    if (query.rank() != 3) {
      fail(format(
          "expected query and value of rank 3, got {} and {}", query, value));
    }
    if (query.back() != value.back()) {
      fail(format(
          "expected query and value of as many features, got {} and {}",
          query,
          value));
    }
    clear_sublayers();
    const std::vector<std::int64_t> many = {kUnknown, query_heads_, head_dim_};
    const std::vector<std::int64_t> few = {kUnknown, key_heads_, head_dim_};
    query_ =
        projection(query, "_query_dense", "query", "bqm,muh->bquh", many, "uh");
    key_ = projection(key, "_key_dense", "key", "bkm,mvh->bkvh", few, "vh");
    if (use_gate_) {
      gate_ = projection(
          query, "_gate_dense", "gate", "bqm,muh->bquh", many, "uh", "sigmoid");
    }
    value_ =
        projection(value, "_value_dense", "value", "bkm,mvh->bkvh", few, "vh");
    output_ = projection(
        {query[0], query[1], query_heads_, head_dim_},
        "_output_dense",
        "attention_output",
        "bquh,uhm->bqm",
        {kUnknown, known_dim(query, -1)},
        "m");
  }

  std::int64_t head_dim_ = 0;
  std::int64_t query_heads_ = 0;
  std::int64_t key_heads_ = 1;
  Layer query_;
  Layer key_;
  Layer gate_;
  Layer value_;
  Layer output_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_multi_head_attention() {
  return std::make_shared<MultiHeadAttentionImpl>();
}

std::shared_ptr<LayerImpl> make_group_query_attention() {
  return std::make_shared<GroupQueryAttentionImpl>();
}

MultiHeadAttention::MultiHeadAttention(
    std::int64_t num_heads,
    std::int64_t key_dim,
    MultiHeadAttentionOptions options)
    : Layer(std::make_shared<MultiHeadAttentionImpl>(
          num_heads, key_dim, options)) {}

SymbolicTensor MultiHeadAttention::operator()(
    const SymbolicTensor& query,
    const SymbolicTensor& value,
    const MultiHeadAttentionCall& call) const {
  return Layer::call(multi_head_arguments(query, value, call, false))[0];
}

std::pair<SymbolicTensor, SymbolicTensor> MultiHeadAttention::with_scores(
    const SymbolicTensor& query,
    const SymbolicTensor& value,
    const MultiHeadAttentionCall& call) const {
  const auto results =
      Layer::call(multi_head_arguments(query, value, call, true));
  return {results[0], results[1]};
}

Value MultiHeadAttention::operator()(
    CallContext& ctx,
    const Value& query,
    const Value& value,
    bool use_causal_mask) const {
  CallInputs inputs(query);
  inputs.items.push_back({"", {value}});
  if (use_causal_mask) {
    inputs.items.push_back({"use_causal_mask", {}, false, Config(true)});
  }
  return Layer::call(ctx, inputs)[0];
}

GroupQueryAttention::GroupQueryAttention(
    std::int64_t head_dim,
    std::int64_t num_query_heads,
    std::int64_t num_key_value_heads,
    GroupQueryAttentionOptions options)
    : Layer(std::make_shared<GroupQueryAttentionImpl>(
          head_dim, num_query_heads, num_key_value_heads, options)) {}

SymbolicTensor GroupQueryAttention::operator()(
    const SymbolicTensor& query,
    const SymbolicTensor& value,
    const MultiHeadAttentionCall& call) const {
  return Layer::call(multi_head_arguments(query, value, call, false))[0];
}

std::pair<SymbolicTensor, SymbolicTensor> GroupQueryAttention::with_scores(
    const SymbolicTensor& query,
    const SymbolicTensor& value,
    const MultiHeadAttentionCall& call) const {
  const auto results =
      Layer::call(multi_head_arguments(query, value, call, true));
  return {results[0], results[1]};
}

}  // namespace keratin::layers
