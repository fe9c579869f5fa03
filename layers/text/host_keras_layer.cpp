#include "layers/text/host_keras_layer.hpp"

#include <utility>

#include "src/core/format.hpp"

namespace keratin::layers {

std::vector<Value> HostKerasLayer::call_many(
    CallContext& ctx, const CallInputs& inputs) {
  (void)ctx;
  (void)inputs;
  fail(
      "works on host arrays, before a model's graph: call it on an Input or on "
      "what other such layers yield, in a Sequential or functional model");
}

std::vector<LayerImpl::Spec> HostKerasLayer::compute_output_spec(
    const Arguments<Spec>& inputs) {
  const std::vector<Spec> specs = inputs.tensors();
  if (specs.size() != 1) {
    fail(format("expected one input tensor, got {}", specs.size()));
  }
  return {output_spec(specs[0])};
}

LayerImpl::Spec HostKerasLayer::output_spec(const Spec& input) const {
  return input;
}

const Tensor& HostKerasLayer::one_input(const HostInputs& inputs) const {
  if (inputs.items.size() != 1 || inputs.items[0].tensors.size() != 1) {
    fail(format("expected one input tensor, got {}", inputs.tensors().size()));
  }
  return inputs.items[0].tensors[0];
}

void HostKerasLayer::check_sparse(
    bool sparse, const std::string& output_mode) const {
  if (sparse && output_mode == "int") {
    fail("expected an output_mode other than \"int\" when sparse is true");
  }
}

std::optional<std::pair<std::uint64_t, std::uint64_t>>
HostKerasLayer::salt_keys(const Config& salt) const {
  if (salt.is_null()) return {};
  if (salt.is_int()) {
    const auto key = static_cast<std::uint64_t>(salt.as_int());
    return {{key, key}};
  }
  if (salt.is_array() && salt.size() == 2 && salt.as_array()[0].is_int() &&
      salt.as_array()[1].is_int()) {
    return {
        {static_cast<std::uint64_t>(salt.as_array()[0].as_int()),
         static_cast<std::uint64_t>(salt.as_array()[1].as_int())}};
  }
  fail(format("expected salt to be one integer or two, got {}", salt.dump()));
}

Config salt_config(const std::vector<std::int64_t>& salt) {
  if (salt.empty()) return {};
  if (salt.size() == 1) return Config::ints({salt[0], salt[0]});
  return Config::ints(salt);
}

}  // namespace keratin::layers
