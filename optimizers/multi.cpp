// OptimizerMap and MultiOptimizer.

#include <algorithm>
#include <regex>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/ops.hpp>
#include <keratin/optimizers/wrappers.hpp>

#include "layers/base/naming.hpp"
#include "optimizers/factories.hpp"
#include "src/core/format.hpp"
#include "src/ir/graph.hpp"

namespace keratin::optimizers {

namespace {

void expect_plain(const Optimizer& optimizer, const std::string& where) {
  if (!optimizer) {
    throw InvalidArgument(
        format("[{}] expected an optimizer, got none", where));
  }
  const std::string name = optimizer.impl().class_name();
  if (name == "LossScaleOptimizer" || name == "MultiOptimizer") {
    throw InvalidArgument(format(
        "[{}] expected an optimizer that is not around others, got {}",
        where,
        name));
  }
}

bool same(const Optimizer& a, const Optimizer& b) {
  return &a.impl() == &b.impl();
}

}  // namespace

OptimizerMap::OptimizerMap(Optimizer default_optimizer, Entries optimizer_map)
    : default_(std::move(default_optimizer)),
      entries_(std::move(optimizer_map)) {
  expect_plain(default_, "optimizer_map.default_optimizer");
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const std::string where = "optimizer_map['" + entries_[i].first + "']";
    expect_plain(entries_[i].second, where);
    for (std::size_t j = 0; j < i; ++j) {
      if (entries_[j].first != entries_[i].first) continue;
      throw InvalidArgument(format("[{}] is given twice", where));
    }
    try {
      (void)std::regex(entries_[i].first);
    } catch (const std::regex_error& error) {
      throw InvalidArgument(
          format("[{}] is no regular expression: {}", where, error.what()));
    }
  }
}

const Optimizer& OptimizerMap::of(const std::string& path) const {
  const Optimizer* found = nullptr;
  for (const auto& [key, optimizer] : entries_) {
    if (key == path) return optimizer;
  }
  for (const auto& [key, optimizer] : entries_) {
    if (!std::regex_match(path, std::regex(key))) continue;
    if (found != nullptr) {
      throw InvalidArgument(format(
          "[optimizer_map] several optimizers match the variable '{}'", path));
    }
    found = &optimizer;
  }
  return found != nullptr ? *found : default_;
}

Config OptimizerMap::to_config() const {
  Config map = Config::object();
  for (const auto& [key, optimizer] : entries_) {
    map[key] = optimizer.to_config();
  }
  return Config::object(
      {{"module", "keras.optimizers"},
       {"class_name", "OptimizerMap"},
       {"config",
        Config::object(
            {{"default_optimizer", default_.to_config()},
             {"optimizer_map", std::move(map)}})},
       {"registered_name", nullptr}});
}

OptimizerMap OptimizerMap::from_config(
    const Config& config, const std::string& where) {
  const SerializedObject object = parse_serialized(config, where);
  if (object.class_name != "OptimizerMap") {
    throw InvalidArgument(format(
        "[{}] expected an OptimizerMap, got '{}'", where, object.class_name));
  }
  const Config* main = object.config.find("default_optimizer");
  if (main == nullptr || main->is_null()) {
    throw InvalidArgument(format("[{}] lacks its default_optimizer", where));
  }
  Optimizer standard;
  standard.from_config(*main, where + ".default_optimizer");
  Entries entries;
  const Config map = object.config.get("optimizer_map", Config::object());
  if (!map.is_null()) {
    for (const auto& [key, item] : map.as_object()) {
      Optimizer optimizer;
      optimizer.from_config(item, where + ".optimizer_map." + key);
      entries.emplace_back(key, std::move(optimizer));
    }
  }
  return OptimizerMap(std::move(standard), std::move(entries));
}

namespace {

class MultiOptimizerImpl final : public OptimizerImpl {
 public:
  using Select = std::function<Optimizer(const Variable&)>;

  MultiOptimizerImpl() : MultiOptimizerImpl(Optimizer(), {}, {}) {}

  MultiOptimizerImpl(OptimizerMap map, const MultiOptimizerOptions& options)
      : MultiOptimizerImpl(map.default_optimizer(), {}, options) {
    take_map(std::move(map));
  }

  MultiOptimizerImpl(Select select, const MultiOptimizerOptions& options)
      : MultiOptimizerImpl(Optimizer(), std::move(select), options) {}

  std::string class_name() const override { return "MultiOptimizer"; }

  std::string module() const override { return "keras.optimizers"; }

  void fields(FieldVisitor& visit) override {
    visit("optimizer_map", map_config_, {.required = true});
    visit("loss_scale_factor", arguments_.loss_scale_factor);
    visit("name", arguments_.name);
  }

  Config get_config() const override {
    if (!map_) {
      throw InvalidArgument(
          "[multi_optimizer] made from a function cannot be saved; make it "
          "from an OptimizerMap");
    }
    Config config = Serializable::get_config();
    config["optimizer_map"] = map_->to_config();
    config["name"] = name();
    return config;
  }

  void from_config(const Config& config, const std::string& where) override {
    Serializable::from_config(config, where);
    take_map(OptimizerMap::from_config(map_config_, where + ".optimizer_map"));
  }

  /// Under "optimizers", named as Keras names the items of a list.
  std::vector<std::pair<std::string, Optimizer>> inner() const override {
    std::vector<std::pair<std::string, Optimizer>> all;
    std::unordered_map<std::string, int> used;
    for (const Optimizer& optimizer : optimizers_) {
      std::string name = to_snake_case(optimizer.impl().class_name());
      const int count = used[name]++;
      if (count > 0) name += format("_{}", count);
      all.emplace_back("optimizers/" + name, optimizer);
    }
    return all;
  }

  void build_slots(const std::vector<Variable>& variables) override {
    std::vector<std::vector<Variable>> parts(optimizers_.size());
    for (const Variable& variable : variables) {
      const Optimizer own =
          map_ ? map_->of(variable.path()) : select_(variable);
      expect_plain(own, "multi_optimizer");
      const std::size_t at = place(own);
      if (at >= parts.size()) parts.resize(at + 1);
      parts[at].push_back(variable);
      chosen_.emplace(variable.id(), at);
    }
    // Also those that got none: files hold their iteration and learning rate.
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (!optimizers_[i].impl().built()) optimizers_[i].impl().build(parts[i]);
    }
  }

  void set_loss_scale_factor(std::optional<double> factor) override {
    OptimizerImpl::set_loss_scale_factor(factor);
    for (const Optimizer& optimizer : optimizers_) {
      optimizer.impl().set_loss_scale_factor(factor);
    }
  }

  void apply(
      CallContext& ctx,
      const std::vector<Value>& gradients,
      const std::vector<Variable>& variables) override {
    if (!built()) build(variables);
    for (const Variable& variable : variables) index_of(variable);
    for (std::size_t i = 0; i < optimizers_.size(); ++i) {
      std::vector<Value> own_gradients;
      std::vector<Variable> own;
      for (std::size_t k = 0; k < variables.size(); ++k) {
        if (chosen_.at(variables[k].id()) != i) continue;
        own.push_back(variables[k]);
        own_gradients.push_back(gradients[k]);
      }
      if (!own.empty()) optimizers_[i].impl().apply(ctx, own_gradients, own);
    }
    const Variable& steps = iteration_variable();
    ctx.assign(steps, ctx.read_uncast(steps) + 1);
  }

  void update_step(
      CallContext&, const Value&, const Variable&, const Value&) override {}

  double learning_rate() const override { fail_rate(); }

  void set_learning_rate(double) override { fail_rate(); }

  void finalize_variable_values() override {
    for (const Optimizer& optimizer : optimizers_) {
      optimizer.impl().finalize_variable_values();
    }
  }

 private:
  static OptimizerArguments arguments(const MultiOptimizerOptions& options) {
    OptimizerArguments out;
    out.learning_rate = 0.0;  // Keras's, which nothing reads
    out.loss_scale_factor = options.loss_scale_factor;
    out.name = options.name;
    return out;
  }

  MultiOptimizerImpl(
      const Optimizer&, Select select, const MultiOptimizerOptions& options)
      : OptimizerImpl(arguments(options)), select_(std::move(select)) {}

  [[noreturn]] void fail_rate() const {
    throw InvalidArgument(format(
        "[{}] has no learning rate of its own; ask the optimizers inside",
        name()));
  }

  /// Those of the map first, the default one last, as in Keras.
  void take_map(OptimizerMap map) {
    map_ = std::move(map);
    optimizers_.clear();
    for (const auto& [key, optimizer] : map_->entries()) place(optimizer);
    place(map_->default_optimizer());
  }

  std::size_t place(const Optimizer& optimizer) {
    for (std::size_t i = 0; i < optimizers_.size(); ++i) {
      if (same(optimizers_[i], optimizer)) return i;
    }
    optimizer.impl().set_loss_scale_factor(arguments_.loss_scale_factor);
    optimizers_.push_back(optimizer);
    return optimizers_.size() - 1;
  }

  Config map_config_;
  std::optional<OptimizerMap> map_;
  Select select_;
  std::vector<Optimizer> optimizers_;
  std::unordered_map<std::uint64_t, std::size_t> chosen_;  // by variable id
};

}  // namespace

Optimizer MultiOptimizer(
    OptimizerMap optimizer_map, MultiOptimizerOptions options) {
  return Optimizer(
      std::make_shared<MultiOptimizerImpl>(std::move(optimizer_map), options));
}

Optimizer MultiOptimizer(
    std::function<Optimizer(const Variable&)> optimizer_of,
    MultiOptimizerOptions options) {
  if (!optimizer_of) {
    throw InvalidArgument("[multi_optimizer] expected a function, got none");
  }
  return Optimizer(
      std::make_shared<MultiOptimizerImpl>(std::move(optimizer_of), options));
}

std::shared_ptr<OptimizerImpl> make_multi_optimizer() {
  return std::make_shared<MultiOptimizerImpl>();
}

}  // namespace keratin::optimizers
