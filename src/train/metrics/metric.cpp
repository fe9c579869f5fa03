#include <algorithm>
#include <cctype>
#include <map>
#include <mutex>
#include <utility>

#include <keratin/dtype_policy.hpp>
#include <keratin/error.hpp>
#include <keratin/metrics/metric.hpp>
#include <keratin/ops.hpp>

#include "layers/base/naming.hpp"
#include "src/core/fields.hpp"
#include "src/core/format.hpp"
#include "src/core/names.hpp"
#include "src/ir/variable_state.hpp"
#include "src/train/metrics/registry.hpp"
#include "src/train/metrics/standalone.hpp"

namespace keratin {

// -- MetricImpl ---------------------------------------------------------------

MetricImpl::MetricImpl(std::string name, std::string dtype)
    : name_(std::move(name)) {
  if (dtype.empty()) return;
  dtype_ = std::move(dtype);
  this->MetricImpl::dtype();  // throws for a name that is none
}

MetricImpl::~MetricImpl() = default;

std::string MetricImpl::module() const {
  return "Custom";
}

void MetricImpl::fields(FieldVisitor& visit) {
  visit("name", name_);
  visit("dtype", dtype_);
}

Config MetricImpl::get_config() const {
  Config config = Serializable::get_config();
  config["name"] = name();
  config["dtype"] = name_of(dtype());
  return config;
}

void MetricImpl::from_config(const Config& config, const std::string& where) {
  // Keras writes no name when there is none.
  Config current = config;
  if (const Config* name = current.find("name");
      name != nullptr && name->is_null()) {
    current.erase("name");
  }
  if (const Config* dtype = current.find("dtype");
      dtype != nullptr && !dtype->is_null()) {
    DTypePolicy policy;
    policy.from_config(*dtype, where + ".dtype");
  }
  Serializable::from_config(current, where);
}

DType MetricImpl::default_dtype() const {
  return floatx();
}

DType MetricImpl::dtype() const {
  if (dtype_.is_null()) return default_dtype();
  if (dtype_.is_string() && dtype_.as_string() == "int") return DType::i64;
  if (dtype_.is_string() && !dtype_.as_string().starts_with("mixed")) {
    return parse_dtype(dtype_.as_string());
  }
  DTypePolicy policy;
  policy.from_config(dtype_, "dtype");
  return policy.compute_dtype();
}

void MetricImpl::build(const Shape& y_true, const Shape& y_pred) {
  (void)y_true;
  (void)y_pred;
}

void MetricImpl::ensure_built(const Shape& y_true, const Shape& y_pred) {
  if (built_) return;
  build(y_true, y_pred);
  built_ = true;
}

void MetricImpl::reset_state() {
  for (std::size_t i = 0; i < variables_.size(); ++i) {
    variables_[i].assign(initial_[i]);
  }
}

std::string MetricImpl::name() const {
  if (!name_.empty()) return name_;
  if (automatic_name_.empty()) {
    automatic_name_ = unique_name(to_snake_case(class_name()));
  }
  return automatic_name_;
}

Variable MetricImpl::add_variable(
    const std::string& name, const Shape& shape, double initial) {
  const Tensor value = Tensor::full(dtype(), shape, initial);
  Variable variable(value, {.name = name, .trainable = false});
  variable.state().path = this->name() + "/" + name;
  variables_.push_back(variable);
  initial_.push_back(value);
  return variable;
}

// -- functions ----------------------------------------------------------------

namespace {

struct Registered {
  std::mutex mutex;
  std::map<std::string, Metric::Function> functions;
};

Registered& registered() {
  static Registered instance;
  return instance;
}

bool generic(std::string name) {
  for (char& c : name) {
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return name == "accuracy" || name == "acc";
}

std::shared_ptr<MetricImpl> named_metric(
    const std::string& name, const Config& config, const std::string& where) {
  {
    Registered& all = registered();
    const std::lock_guard lock(all.mutex);
    const auto found = all.functions.find(name);
    if (found != all.functions.end()) {
      return metrics::make_function_metric(found->second, name);
    }
  }
  if (const metrics::Entry* entry = metrics::find_metric(name)) {
    std::shared_ptr<MetricImpl> impl = entry->make();
    impl->from_config(config, where);
    return impl;
  }
  std::vector<std::string> known = metrics::metric_spellings();
  for (const std::string& own : metric_names()) known.push_back(own);
  throw InvalidArgument(format(
      "[{}] no metric is called '{}'{}",
      where,
      name,
      did_you_mean(name, known)));
}

/// "package>name" -> "name".
std::string without_package(const std::string& name) {
  const std::size_t at = name.find('>');
  return at == std::string::npos ? name : name.substr(at + 1);
}

}  // namespace

void register_metric(const std::string& name, Metric::Function function) {
  if (name.empty() || !function) {
    throw InvalidArgument("[register_metric] expected a name and a function");
  }
  Registered& all = registered();
  const std::lock_guard lock(all.mutex);
  all.functions[name] = std::move(function);
}

std::vector<std::string> metric_names() {
  std::vector<std::string> names = metrics::builtin_metric_names();
  {
    Registered& all = registered();
    const std::lock_guard lock(all.mutex);
    for (const auto& [name, function] : all.functions) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

// -- Metric -------------------------------------------------------------------

Metric::Metric(const char* name) : Metric(std::string(name)) {}

Metric::Metric(std::string name) {
  from_config(Config(std::move(name)), "metric");
}

Metric::Metric(std::shared_ptr<MetricImpl> impl) : impl_(std::move(impl)) {
  if (!impl_) throw InvalidArgument("[metric] expected one, got null");
}

Metric::Metric(Function function, std::string name) {
  if (!function) {
    throw InvalidArgument("[metric] expected a function, got an empty one");
  }
  impl_ = metrics::make_function_metric(std::move(function), std::move(name));
}

Metric Metric::resolve(const Shape& y_true, const Shape& y_pred) const {
  if (!is_generic()) return *this;
  const std::int64_t true_last = y_true.empty() ? 1 : y_true.back();
  const std::int64_t pred_last = y_pred.empty() ? 1 : y_pred.back();
  const char* name = "CategoricalAccuracy";
  if (pred_last == 1) {
    name = "BinaryAccuracy";
  } else if (
      y_true.rank() < y_pred.rank() || (true_last == 1 && pred_last > 1)) {
    name = "SparseCategoricalAccuracy";
  }
  Metric metric(metrics::find_metric(name)->make());
  metric.impl_->set_name(given_);
  metric.given_ = given_;
  return metric;
}

std::string Metric::name() const {
  return impl_ ? impl_->name() : given_;
}

void Metric::update_state(
    const Tensor& y_true, const Tensor& y_pred, const Tensor* sample_weight) {
  if (is_generic()) *this = resolve(y_true.shape(), y_pred.shape());
  if (!impl_) throw InvalidArgument("[metric] update_state of none");
  impl_->ensure_built(y_true.shape(), y_pred.shape());
  if (!impl_->standalone_) {
    impl_->standalone_ = std::make_unique<MetricImpl::Standalone>();
  }
  impl_->standalone_->update(*impl_, y_true, y_pred, sample_weight);
}

Tensor Metric::result() const {
  if (!impl_) {
    throw InvalidArgument(
        format("[metric {}] has seen no data, which say what it is", given_));
  }
  impl_->ensure_built(Shape{}, Shape{});
  if (!impl_->standalone_) {
    impl_->standalone_ = std::make_unique<MetricImpl::Standalone>();
  }
  return impl_->standalone_->result(*impl_);
}

void Metric::reset_state() {
  if (impl_) impl_->reset_state();
}

Config Metric::to_config() const {
  if (!given_.empty()) return given_;
  if (!impl_) return {};
  if (impl_->class_name() == "MeanMetricWrapper") {
    throw InvalidArgument(format(
        "[metric {}] a function cannot be saved; register it with "
        "register_metric and give the name",
        impl_->name()));
  }
  return serialize(*impl_);
}

void Metric::from_config(const Config& config, const std::string& where) {
  if (config.is_null()) {
    *this = Metric();
    return;
  }
  if (config.is_string()) {
    const std::string& name = config.as_string();
    std::shared_ptr<MetricImpl> impl;
    if (!generic(name)) {
      impl = named_metric(name, Config::object(), where);
      impl->set_name(name);  // as Keras: "mse" is logged as "mse"
    }
    impl_ = std::move(impl);
    given_ = name;
    return;
  }
  const Config* inner = config.find("config");
  // A function: {"class_name": "function", "config": "my_metric"}
  if (inner != nullptr && inner->is_string()) {
    from_config(Config(without_package(inner->as_string())), where);
    return;
  }
  const SerializedObject object = parse_serialized(config, where);
  if (object.class_name == "MeanMetricWrapper") {
    const Config function = object.config.at("fn");
    Metric metric;
    metric.from_config(function, where);
    *this = std::move(metric);
    return;
  }
  impl_ = named_metric(object.class_name, object.config, where);
  given_.clear();
}

Config Metric::schema() const {
  Config choices = Config::array({"accuracy", "acc"});
  for (const std::string& name : metrics::metric_spellings()) {
    if (name != "accuracy") choices.push_back(name);
  }
  Config any = Config::array(
      {Config::object({{"enum", std::move(choices)}}),
       Config::object({{"type", "null"}})});
  for (const std::string& name : metrics::builtin_metric_names()) {
    any.push_back(Config::object(
        {{"type", "object"},
         {"properties",
          Config::object(
              {{"class_name", Config::object({{"const", Config(name)}})},
               {"config",
                fields_schema(*metrics::find_metric(name)->make())}})},
         {"required", Config::array({"class_name"})}}));
  }
  return Config::object({{"anyOf", std::move(any)}});
}

}  // namespace keratin
