#include <map>
#include <mutex>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/layers/core.hpp>

#include "layers/support/factories.hpp"
#include "layers/support/keras_layer.hpp"
#include "src/core/format.hpp"
#include "src/core/names.hpp"

namespace keratin::layers {

namespace {

struct Registered {
  std::mutex mutex;
  std::map<std::string, Function::Nary> functions;
};

Registered& registered() {
  static Registered instance;
  return instance;
}

Function::Nary find_function(const std::string& name) {
  Registered& all = registered();
  const std::lock_guard lock(all.mutex);
  const auto found = all.functions.find(name);
  if (found != all.functions.end()) return found->second;
  std::vector<std::string> names;
  for (const auto& [known, body] : all.functions) names.push_back(known);
  throw InvalidArgument(format(
      "[Function] no function is registered as '{}'{}; call "
      "register_function first",
      name,
      did_you_mean(name, names)));
}

class FunctionImpl final : public KerasLayer {
 public:
  FunctionImpl() = default;

  FunctionImpl(std::string function, const LayerOptions& options)
      : KerasLayer(options), function_(std::move(function)) {
    settle();
  }

  std::string class_name() const override { return "Function"; }

  std::string module() const override { return "Keratin"; }

  bool supports_masking() const override { return true; }

  void fields(FieldVisitor& visit) override {
    KerasLayer::fields(visit);
    visit("function", function_, {.required = true});
  }

  std::vector<Value> call_many(
      CallContext& ctx, const CallInputs& inputs) override {
    (void)ctx;
    Value y = body_(inputs.tensors());
    if (!y) fail("expected a value from the function, got none");
    return {y};
  }

 protected:
  void settle() override {
    KerasLayer::settle();
    body_ = find_function(function_);
  }

 private:
  std::string function_;
  Function::Nary body_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_function() {
  return std::make_shared<FunctionImpl>();
}

void register_function(const std::string& function, Function::Nary body) {
  if (function.empty() || !body) {
    throw InvalidArgument("[register_function] expected a name and a function");
  }
  Registered& all = registered();
  const std::lock_guard lock(all.mutex);
  all.functions[function] = std::move(body);
}

void register_function(const std::string& function, Function::Unary body) {
  if (!body) {
    throw InvalidArgument("[register_function] expected a name and a function");
  }
  register_function(
      function,
      Function::Nary([function, unary = std::move(body)](
                         const std::vector<Value>& inputs) {
        if (inputs.size() != 1) {
          throw InvalidArgument(format(
              "[Function] '{}' takes one tensor, got {}",
              function,
              inputs.size()));
        }
        return unary(inputs[0]);
      }));
}

Function::Function(std::string function, Unary body, LayerOptions options) {
  register_function(function, std::move(body));
  *this = Function(std::move(function), std::move(options));
}

Function::Function(std::string function, Nary body, LayerOptions options) {
  register_function(function, std::move(body));
  *this = Function(std::move(function), std::move(options));
}

Function::Function(std::string function, LayerOptions options)
    : Layer(std::make_shared<FunctionImpl>(std::move(function), options)) {}

}  // namespace keratin::layers
