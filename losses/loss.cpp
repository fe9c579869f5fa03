#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <mutex>
#include <utility>

#include <keratin/dtype_policy.hpp>
#include <keratin/error.hpp>
#include <keratin/losses/loss.hpp>
#include <keratin/ops.hpp>

#include "layers/base/naming.hpp"
#include "losses/functions.hpp"
#include "losses/registry.hpp"
#include "src/core/check.hpp"
#include "src/core/fields.hpp"
#include "src/core/format.hpp"
#include "src/core/names.hpp"

namespace keratin {

// -- LossImpl -----------------------------------------------------------------

LossImpl::LossImpl(std::string reduction, std::string name, std::string dtype)
    : reduction_(std::move(reduction)), name_(std::move(name)) {
  if (!dtype.empty()) dtype_ = std::move(dtype);
  validate("loss");
}

std::string LossImpl::module() const {
  return "Custom";
}

void LossImpl::fields(FieldVisitor& visit) {
  visit("name", name_);
  visit("reduction", reduction_);
  visit("dtype", dtype_);
}

Config LossImpl::get_config() const {
  Config config = Serializable::get_config();
  config["name"] = name();
  if (dtype_.is_null()) config.erase("dtype");
  return config;
}

void LossImpl::from_config(const Config& config, const std::string& where) {
  const std::optional<std::string> reduction = reduction_;
  const Config dtype = dtype_;
  Serializable::from_config(config, where);
  try {
    validate(where);
  } catch (...) {
    reduction_ = reduction;
    dtype_ = dtype;
    throw;
  }
}

void LossImpl::validate(const std::string& where) const {
  constexpr std::array kReductions = {
      "sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none"};
  const std::string reduction = this->reduction();
  if (std::find(kReductions.begin(), kReductions.end(), reduction) ==
      kReductions.end()) {
    throw InvalidArgument(format(
        "[{}] expected a reduction of sum_over_batch_size, mean, sum, "
        "mean_with_sample_weight or none, got '{}'{}",
        where,
        reduction,
        did_you_mean(reduction, kReductions)));
  }
  if (!dtype_.is_null()) {
    DTypePolicy policy;
    policy.from_config(dtype_, where + ".dtype");
  }
}

Value LossImpl::result_mask(const Value& y_true, const Value& losses) const {
  (void)y_true;
  (void)losses;
  return {};
}

std::string LossImpl::name() const {
  return name_.empty() ? to_snake_case(class_name()) : name_;
}

DType LossImpl::compute_dtype(DType y_pred) const {
  if (!dtype_.is_null()) {
    DTypePolicy policy;
    policy.from_config(dtype_, "dtype");
    return policy.compute_dtype();
  }
  const bool wider = is_floating(y_pred) && size_of(y_pred) > size_of(floatx());
  return wider ? y_pred : floatx();
}

// -- functions ----------------------------------------------------------------

namespace {

/// A function of the user's own.
class FunctionLoss final : public LossImpl {
 public:
  FunctionLoss(Loss::Function function, std::string name)
      : LossImpl("sum_over_batch_size", std::move(name)),
        function_(std::move(function)) {}

  std::string class_name() const override { return "LossFunctionWrapper"; }

  Value call(const Value& y_true, const Value& y_pred) const override {
    return function_(y_true, y_pred);
  }

 private:
  Loss::Function function_;
};

struct Registered {
  std::mutex mutex;
  std::map<std::string, Loss::Function> functions;
};

Registered& registered() {
  static Registered instance;
  return instance;
}

std::string lower(std::string text) {
  for (char& c : text) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return text;
}

bool generic(const std::string& name) {
  const std::string text = lower(name);
  return text == "crossentropy" || text == "ce";
}

std::shared_ptr<const LossImpl> named_loss(
    const std::string& name, const Config& config, const std::string& where) {
  {
    Registered& all = registered();
    const std::lock_guard lock(all.mutex);
    const auto found = all.functions.find(name);
    if (found != all.functions.end()) {
      return std::make_shared<FunctionLoss>(found->second, name);
    }
  }
  if (const losses::Entry* entry = losses::find_loss(name)) {
    std::shared_ptr<LossImpl> impl = entry->make();
    impl->from_config(config, where);
    return impl;
  }
  std::vector<std::string> known = loss_names();
  for (const losses::Alias& alias : losses::loss_aliases()) {
    known.emplace_back(alias.name);
  }
  throw InvalidArgument(format(
      "[{}] no loss is called '{}'{}", where, name, did_you_mean(name, known)));
}

/// "package>name" -> "name".
std::string without_package(const std::string& name) {
  const std::size_t at = name.find('>');
  return at == std::string::npos ? name : name.substr(at + 1);
}

}  // namespace

void register_loss(const std::string& name, Loss::Function function) {
  if (name.empty() || !function) {
    throw InvalidArgument("[register_loss] expected a name and a function");
  }
  Registered& all = registered();
  const std::lock_guard lock(all.mutex);
  all.functions[name] = std::move(function);
}

std::vector<std::string> loss_names() {
  std::vector<std::string> names = losses::builtin_loss_names();
  {
    Registered& all = registered();
    const std::lock_guard lock(all.mutex);
    for (const auto& [name, function] : all.functions) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

// -- Loss ---------------------------------------------------------------------

Loss::Loss(const char* name) : Loss(std::string(name)) {}

Loss::Loss(std::string name) {
  from_config(Config(std::move(name)), "loss");
}

Loss::Loss(std::shared_ptr<const LossImpl> impl) : impl_(std::move(impl)) {
  if (!impl_) throw InvalidArgument("[loss] expected one, got null");
}

Loss::Loss(Function function) {
  if (!function) {
    throw InvalidArgument("[loss] expected a function, got an empty one");
  }
  impl_ = std::make_shared<FunctionLoss>(std::move(function), "");
}

Value Loss::operator()(
    const Value& y_true,
    const Value& y_pred,
    const Value& sample_weight,
    const Value& mask) const {
  if (!impl_) {
    return resolve(y_true.shape(), y_pred.shape())(
        y_true, y_pred, sample_weight, mask);
  }
  const DType dtype = impl_->compute_dtype(y_pred.dtype());
  const Value labels =
      impl_->casts_labels() ? ops::cast(y_true, dtype) : y_true;
  const auto [y, p] =
      losses::squeeze_or_expand_to_same_rank(labels, ops::cast(y_pred, dtype));
  const Value values = impl_->call(y, p);
  Value counts = impl_->result_mask(y, values);
  if (mask && counts) {
    counts = ops::logical_and(
        ops::cast(mask, DType::boolean), ops::cast(counts, DType::boolean));
  } else if (mask) {
    counts = mask;
  }
  return reduce_weighted_values(
      values, sample_weight, counts, impl_->reduction());
}

Loss Loss::resolve(const Shape& y_true, const Shape& y_pred) const {
  if (impl_ || given_.empty()) return *this;
  const std::int64_t true_last = y_true.empty() ? 1 : y_true.back();
  const std::int64_t pred_last = y_pred.empty() ? 1 : y_pred.back();
  Loss loss;
  if (pred_last == 1) {
    loss = Loss("binary_crossentropy");
  } else if (
      y_true.rank() < y_pred.rank() || (true_last == 1 && pred_last > 1)) {
    loss = Loss("sparse_categorical_crossentropy");
  } else {
    loss = Loss("categorical_crossentropy");
  }
  loss.given_ = given_;
  return loss;
}

Config Loss::to_config() const {
  if (!given_.empty()) return given_;
  if (!impl_) return {};
  if (dynamic_cast<const FunctionLoss*>(impl_.get()) != nullptr) {
    throw InvalidArgument(
        "[loss] a function without a name cannot be saved; register it with "
        "register_loss and give the name");
  }
  return serialize(*impl_);
}

void Loss::from_config(const Config& config, const std::string& where) {
  if (config.is_null()) {
    *this = Loss();
    return;
  }
  if (config.is_string()) {
    const std::string& name = config.as_string();
    if (generic(name)) {
      impl_ = nullptr;
    } else {
      impl_ = named_loss(name, Config::object(), where);
    }
    given_ = name;
    return;
  }
  const Config* inner = config.find("config");
  // A function: {"class_name": "function", "config": "my_loss"}
  if (inner != nullptr && inner->is_string()) {
    const std::string name = without_package(inner->as_string());
    impl_ = named_loss(name, Config::object(), where);
    given_ = name;
    return;
  }
  const SerializedObject object = parse_serialized(config, where);
  if (object.class_name == "LossFunctionWrapper") {
    from_config(object.config.at("fn"), where);
    return;
  }
  impl_ = named_loss(object.class_name, object.config, where);
  given_.clear();
}

Config Loss::schema() const {
  Config choices = Config::array();
  for (const std::string& name : loss_names()) choices.push_back(name);
  for (const losses::Alias& alias : losses::loss_aliases()) {
    choices.push_back(alias.name);
  }
  choices.push_back("crossentropy");
  choices.push_back("ce");
  Config any = Config::array(
      {Config::object({{"enum", std::move(choices)}}),
       Config::object({{"type", "null"}})});
  for (const std::string& name : losses::builtin_loss_names()) {
    any.push_back(Config::object(
        {{"type", "object"},
         {"properties",
          Config::object(
              {{"class_name", Config::object({{"const", Config(name)}})},
               {"config", fields_schema(*losses::find_loss(name)->make())}})},
         {"required", Config::array({"class_name"})}}));
  }
  return Config::object({{"anyOf", std::move(any)}});
}

}  // namespace keratin
