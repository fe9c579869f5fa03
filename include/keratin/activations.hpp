#pragma once

#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/fields.hpp>
#include <keratin/value.hpp>

namespace keratin {

/// A function of one tensor by Keras's name ("relu", "gelu", "softmax", ...),
/// or a function of the user's own. Default: "linear".
class KERATIN_API Activation final : public FieldValue {
 public:
  using Function = std::function<Value(const Value&)>;

  Activation();

  // NOLINTBEGIN(google-explicit-constructor): names read as activations
  /// Throws InvalidArgument with the nearest name when there is none.
  Activation(const char* name);
  Activation(std::string name);

  /// A function of the user's own. To save a model that uses it, register it
  /// under a name (register_activation) and use the name.
  Activation(Function function);

  template <class F>

  requires(
      std::is_invocable_r_v<Value, const F&, const Value&> &&
      !std::is_same_v<F, Activation> && !std::is_same_v<F, Function>)
      Activation(F function)
      : Activation(Function(std::move(function))) {}

  // NOLINTEND(google-explicit-constructor)

  Value operator()(const Value& x) const;

  const std::string& name() const { return name_; }

  bool is_linear() const { return name_ == "linear"; }

  Config to_config() const override;
  void from_config(const Config& config, const std::string& where) override;
  Config schema() const override;

 private:
  std::string name_;
  Function function_;
};

/// Makes a function available under a name, also to files that name it.
KERATIN_API void register_activation(
    const std::string& name, Activation::Function function);

/// All names, sorted.
KERATIN_API std::vector<std::string> activation_names();

}  // namespace keratin
