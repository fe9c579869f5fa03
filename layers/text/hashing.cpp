// Hashing and HashedCrossing.

#include <utility>

#include <keratin/layers/text.hpp>

#include "layers/support/factories.hpp"
#include "layers/text/encoding.hpp"
#include "layers/text/hashes.hpp"
#include "layers/text/host_keras_layer.hpp"
#include "src/core/format.hpp"

namespace keratin::layers {

namespace {

/// Keras's: integers where indices come out, else the global policy's.
DTypePolicy policy_for(
    const std::optional<DTypePolicy>& given, const std::string& output_mode) {
  if (given) return *given;
  return output_mode == "int" ? DTypePolicy(DType::i64) : DTypePolicy(floatx());
}

/// The options as KerasLayer takes them.
struct Common {
  template <class Options>
  explicit Common(const Options& options)
      : name(options.name),
        dtype(policy_for(options.dtype, options.output_mode)),
        trainable(options.trainable) {}

  std::string name;
  DTypePolicy dtype;
  bool trainable;
};

/// A config without a dtype gets the mode's.
Config with_dtype(const Config& config) {
  Config out = config;
  const Config* dtype = config.find("dtype");
  if (dtype != nullptr && !dtype->is_null()) return out;
  const Config mode = config.get("output_mode", "int");
  const bool indices = mode.is_string() && mode.as_string() == "int";
  out["dtype"] = name_of(indices ? DType::i64 : floatx());
  return out;
}

class HashingImpl final : public HostKerasLayer {
 public:
  HashingImpl() : HostKerasLayer(Common(HashingOptions())) {}

  HashingImpl(std::int64_t num_bins, const HashingOptions& options)
      : HostKerasLayer(Common(options)),
        num_bins_(num_bins),
        salt_(salt_config(options.salt)),
        output_mode_(options.output_mode),
        sparse_(options.sparse) {
    if (options.mask_value) {
      std::visit(
          [this](const auto& value) { mask_value_ = value; },
          *options.mask_value);
    }
    settle();
  }

  std::string class_name() const override { return "Hashing"; }

  void fields(FieldVisitor& visit) override {
    HostKerasLayer::fields(visit);
    visit("num_bins", num_bins_, {.required = true, .minimum = 1});
    visit("salt", salt_);
    visit("mask_value", mask_value_);
    visit(
        "output_mode",
        output_mode_,
        {.choices = {"int", "one_hot", "multi_hot", "count"}});
    visit("sparse", sparse_);
  }

  void from_config(const Config& config, const std::string& where) override {
    HostKerasLayer::from_config(with_dtype(config), where);
  }

  std::vector<Tensor> call_host(const HostInputs& inputs) override {
    const Tensor& x = one_input(inputs);
    output_spec({x.shape(), x.dtype()});  // checks
    Tensor bins(DType::i64, squeezed(x.shape()));
    const auto to = bins.mutable_data<std::int64_t>();
    if (x.dtype() == DType::string) {
      const auto from = x.data<std::string>();
      const bool masks = mask_value_.is_string();
      for (std::size_t i = 0; i < from.size(); ++i) {
        to[i] = bin(from[i], masks && from[i] == mask_value_.as_string());
      }
    } else {
      // Fractions are cut off, as in Keras.
      const Tensor whole = x.cast(DType::i64);
      const auto from = whole.data<std::int64_t>();
      const bool masks = mask_value_.is_number();
      for (std::size_t i = 0; i < from.size(); ++i) {
        to[i] =
            bin(x.dtype() == DType::boolean ? (from[i] != 0 ? "true" : "false")
                                            : std::to_string(from[i]),
                masks && x.at(static_cast<std::int64_t>(i)) ==
                             mask_value_.as_number());
      }
    }
    return {text::encode(bins, output_mode_, num_bins_, compute_dtype())};
  }

 protected:
  Spec output_spec(const Spec& input) const override {
    if (!mask_value_.is_null() &&
        mask_value_.is_string() != (input.dtype == DType::string)) {
      fail(format(
          "expected inputs of mask_value's kind, {}, got {}",
          mask_value_.is_string() ? "strings" : "numbers",
          name_of(input.dtype)));
    }
    return {
        text::encoded_shape(squeezed(input.shape), output_mode_, num_bins_),
        compute_dtype()};
  }

  void settle() override {
    HostKerasLayer::settle();
    if (output_mode_ == "int" && compute_dtype() != DType::i32 &&
        compute_dtype() != DType::i64) {
      fail(format(
          "expected the dtype int32 or int64 with output_mode \"int\", got {}",
          name_of(compute_dtype())));
    }
    check_sparse(sparse_, output_mode_);
    if (!mask_value_.is_null() && !mask_value_.is_string() &&
        !mask_value_.is_int()) {
      fail(format(
          "expected mask_value to be a text or an integer, got {}",
          mask_value_.dump()));
    }
    keys_ = salt_keys(salt_);
  }

 private:
  Shape squeezed(const Shape& shape) const {
    if (output_mode_ != "one_hot" || shape.empty() || shape.back() != 1) {
      return shape;
    }
    Shape out;
    for (std::size_t i = 0; i + 1 < shape.rank(); ++i) out.push_back(shape[i]);
    return out;
  }

  std::int64_t bin(std::string_view text, bool masked) const {
    // Bin 0 is the mask's alone, where there is another one.
    const bool reserved = !mask_value_.is_null() && num_bins_ > 1;
    if (reserved && masked) return 0;
    const auto bins =
        static_cast<std::uint64_t>(num_bins_ - (reserved ? 1 : 0));
    const std::uint64_t hash =
        keys_ ? text::sip_hash(text, keys_->first, keys_->second)
              : text::farm_hash(text);
    return static_cast<std::int64_t>(hash % bins) + (reserved ? 1 : 0);
  }

  std::int64_t num_bins_ = 1;
  Config salt_;
  Config mask_value_;
  std::string output_mode_ = "int";
  bool sparse_ = false;
  std::optional<std::pair<std::uint64_t, std::uint64_t>> keys_;
};

class HashedCrossingImpl final : public HostKerasLayer {
 public:
  HashedCrossingImpl() : HostKerasLayer(Common(HashedCrossingOptions())) {}

  HashedCrossingImpl(
      std::int64_t num_bins, const HashedCrossingOptions& options)
      : HostKerasLayer(Common(options)),
        num_bins_(num_bins),
        output_mode_(options.output_mode),
        sparse_(options.sparse) {
    settle();
  }

  std::string class_name() const override { return "HashedCrossing"; }

  void fields(FieldVisitor& visit) override {
    HostKerasLayer::fields(visit);
    visit("num_bins", num_bins_, {.required = true, .minimum = 1});
    visit("output_mode", output_mode_, {.choices = {"int", "one_hot"}});
    visit("sparse", sparse_);
  }

  void from_config(const Config& config, const std::string& where) override {
    HostKerasLayer::from_config(with_dtype(config), where);
  }

  Config get_config() const override {
    Config config = HostKerasLayer::get_config();
    config["dtype"] = name_of(compute_dtype());  // Keras's form for this layer
    config.erase("trainable");
    return config;
  }

  std::vector<Spec> compute_output_spec(
      const Arguments<Spec>& inputs) override {
    const std::vector<Spec> specs = inputs.tensors();
    if (specs.size() < 2) {
      fail(format("expected at least two inputs, got {}", specs.size()));
    }
    const Shape& shape = specs[0].shape;
    for (const Spec& spec : specs) {
      const Shape& own = spec.shape;
      if (own.rank() > 2 || (own.rank() == 2 && own[1] != 1)) {
        fail(format(
            "expected inputs of shape [batch] or [batch, 1], got {}", own));
      }
      if (own.rank() != shape.rank() || !same_rows(own, shape)) {
        fail(format("expected inputs of one shape, got {} and {}", shape, own));
      }
      if (spec.dtype != DType::string && !is_integer(spec.dtype)) {
        fail(format(
            "expected strings or integers, got {}", name_of(spec.dtype)));
      }
    }
    return {
        {text::encoded_shape(shape, output_mode_, num_bins_), compute_dtype()}};
  }

  std::vector<Tensor> call_host(const HostInputs& inputs) override {
    Arguments<Spec> specs;
    specs.items.emplace_back();
    std::vector<Tensor> tensors = inputs.tensors();
    for (const Tensor& tensor : tensors) {
      specs.items[0].tensors.push_back({tensor.shape(), tensor.dtype()});
    }
    compute_output_spec(specs);  // checks
    for (Tensor& tensor : tensors) {
      if (tensor.dtype() != DType::string) tensor = tensor.cast(DType::i64);
    }
    Tensor bins(DType::i64, tensors[0].shape());
    const auto to = bins.mutable_data<std::int64_t>();
    for (std::size_t i = 0; i < to.size(); ++i) {
      std::uint64_t hash = 0xDECAFCAFFE;  // TensorFlow's first word
      for (const Tensor& tensor : tensors) {
        hash = text::join_hashes(hash, feature(tensor, i));
      }
      to[i] = static_cast<std::int64_t>(
          hash % static_cast<std::uint64_t>(num_bins_));
    }
    return {text::encode(bins, output_mode_, num_bins_, compute_dtype())};
  }

 protected:
  void settle() override {
    HostKerasLayer::settle();
    check_sparse(sparse_, output_mode_);
  }

 private:
  static bool same_rows(const Shape& a, const Shape& b) {
    return a.empty() || a[0] == b[0] || a[0] == kUnknown || b[0] == kUnknown;
  }

  /// Strings by their hash, integers as they are.
  static std::uint64_t feature(const Tensor& tensor, std::size_t at) {
    if (tensor.dtype() == DType::string) {
      return text::farm_hash(tensor.data<std::string>()[at]);
    }
    return static_cast<std::uint64_t>(tensor.data<std::int64_t>()[at]);
  }

  std::int64_t num_bins_ = 1;
  std::string output_mode_ = "int";
  bool sparse_ = false;
};

}  // namespace

std::shared_ptr<LayerImpl> make_hashing() {
  return std::make_shared<HashingImpl>();
}

std::shared_ptr<LayerImpl> make_hashed_crossing() {
  return std::make_shared<HashedCrossingImpl>();
}

Hashing::Hashing(std::int64_t num_bins, HashingOptions options)
    : Layer(std::make_shared<HashingImpl>(num_bins, options)) {}

HashedCrossing::HashedCrossing(
    std::int64_t num_bins, HashedCrossingOptions options)
    : Layer(std::make_shared<HashedCrossingImpl>(num_bins, options)) {}

}  // namespace keratin::layers
