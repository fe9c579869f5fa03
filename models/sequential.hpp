#pragma once

#include <string>
#include <vector>

#include "models/functional.hpp"

namespace keratin {

/// A stack of layers. Its graph is made when the shape of the input is known:
/// at once when the first layer is an Input, else at the first call.
class SequentialImpl final : public FunctionalImpl {
 public:
  SequentialImpl() = default;  // for reading a config
  explicit SequentialImpl(std::string name);

  std::string class_name() const override { return "Sequential"; }

  std::string module() const override { return "keras"; }

  void build(const std::vector<Shape>& input_shapes) override;
  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override;
  std::vector<Spec> compute_output_spec(const Arguments<Spec>& inputs) override;
  Config get_config() const override;
  void from_config(const Config& config, const std::string& where) override;
  std::vector<Layer> layers() const override;

  void add(const std::vector<Layer>& layers);
  void pop();

 private:
  void rebuild();

  std::vector<Layer> stack_;  // an Input first, if there is one
};

}  // namespace keratin
