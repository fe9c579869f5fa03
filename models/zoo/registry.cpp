// The architectures by name, with their arguments as JSON.

#include <algorithm>
#include <vector>

#include <keratin/error.hpp>
#include <keratin/fields.hpp>

#include "models/zoo/prepare.hpp"
#include "models/zoo/request.hpp"
#include "src/core/fields.hpp"
#include "src/core/format.hpp"
#include "src/core/names.hpp"

namespace keratin::applications {

std::span<const Architecture> architectures() {
  static const std::vector<Architecture> all = [] {
    std::vector<Architecture> out;
    for (const auto family :
         {vgg_family(),
          resnet_family(),
          inception_v3_family(),
          inception_resnet_v2_family(),
          xception_family(),
          mobilenet_family(),
          mobilenet_v2_family(),
          mobilenet_v3_family(),
          densenet_family(),
          nasnet_family(),
          efficientnet_family(),
          efficientnet_v2_family(),
          convnext_family(),
          lenet_family(),
          alexnet_family(),
          network_in_network_family(),
          googlenet_family(),
          vgg_classics(),
          squeezenet_family()}) {
      out.insert(out.end(), family.begin(), family.end());
    }
    return out;
  }();
  return all;
}

const Architecture& find_architecture(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Architecture& architecture : architectures()) {
    if (architecture.name == name) return architecture;
    names.push_back(architecture.name);
  }
  throw InvalidArgument(format(
      "[applications] no architecture is called '{}'{}",
      name,
      did_you_mean(name, names)));
}

namespace {

/// The arguments of one architecture, for JSON.
class JsonArguments final : public Serializable {
 public:
  explicit JsonArguments(const Architecture& architecture)
      : architecture_(architecture) {
    request_.function = architecture.name;
    request_.classes = architecture.classes;
    request_.dropout = architecture.dropout;
    if (!takes(kNoImagenet)) weights_ = "imagenet";
  }

  std::string class_name() const override { return request_.function; }

  std::string module() const override { return "keras.applications"; }

  void fields(FieldVisitor& visit) override {
    visit("include_top", request_.include_top);
    visit("weights", weights_);
    visit("input_shape", input_shape_);
    visit("pooling", pooling_, {.choices = {"avg", "max"}});
    visit("classes", request_.classes, {.minimum = 1});
    visit("classifier_activation", request_.classifier_activation);
    visit("name", name_);
    if (takes(kAlpha)) visit("alpha", request_.alpha, {.minimum = 0});
    if (takes(kDepthMultiplier)) {
      visit("depth_multiplier", request_.depth_multiplier, {.minimum = 1});
    }
    if (takes(kMinimalistic)) visit("minimalistic", request_.minimalistic);
    const FieldSpec share = {.minimum = 0, .maximum = 1};
    if (takes(kDropout)) visit("dropout", request_.dropout, share);
    if (takes(kDropoutRate)) visit("dropout_rate", request_.dropout, share);
    if (takes(kIncludePreprocessing)) {
      visit("include_preprocessing", request_.include_preprocessing);
    }
  }

  Request finish(const std::string& where) {
    Request out = request_;
    out.weights = weights_;
    out.pooling = pooling_.value_or("");
    out.name = name_.value_or("");
    if (!input_shape_.is_null()) out.input_shape = shape(where);
    out.expect_weights();
    return out;
  }

 private:
  bool takes(Extra extra) const { return (architecture_.extras & extra) != 0; }

  Shape shape(const std::string& where) const {
    std::vector<std::int64_t> dims;
    bool good = input_shape_.is_array() && input_shape_.size() == 3;
    for (std::size_t i = 0; good && i < 3; ++i) {
      const Config& dim = input_shape_.as_array()[i];
      good = dim.is_null() || (dim.is_int() && dim.as_int() > 0);
      if (good) dims.push_back(dim.is_null() ? kUnknown : dim.as_int());
    }
    if (!good) {
      throw InvalidArgument(format(
          "[{}.input_shape] expected rows, columns and channels, e.g. "
          "[224, 224, 3], got {}",
          where,
          input_shape_.dump()));
    }
    return Shape(std::move(dims));
  }

  const Architecture& architecture_;
  Request request_;
  Weights weights_;
  Config input_shape_;  // a list of three, or null
  std::optional<std::string> pooling_;
  std::optional<std::string> name_;
};

/// Sees the names of fields.
class NamesOf final : public FieldVisitor {
 public:
  void visit(
      std::string_view name, FieldRef field, const FieldSpec& spec) override {
    (void)field;
    (void)spec;
    names.emplace_back(name);
  }

  std::vector<std::string> names;
};

ApplicationInfo info_of(const Architecture& architecture) {
  NamesOf visitor;
  JsonArguments(architecture).fields(visitor);
  return {
      std::string(architecture.name),
      architecture.size,
      std::string(architecture.preprocessing),
      (architecture.extras & kNoImagenet) == 0,
      std::move(visitor.names)};
}

}  // namespace

std::vector<ApplicationInfo> list() {
  std::vector<ApplicationInfo> out;
  for (const Architecture& architecture : architectures()) {
    out.push_back(info_of(architecture));
  }
  return out;
}

ApplicationInfo info(const std::string& name) {
  return info_of(find_architecture(name));
}

Model make(const std::string& name, const Config& arguments) {
  const Architecture& architecture = find_architecture(name);
  JsonArguments json(architecture);
  json.from_config(arguments, name);
  return architecture.make(json.finish(name));
}

Prepared prepare(
    const std::string& name,
    const Config& arguments,
    const std::string& where) {
  const Architecture& architecture = find_architecture(name);
  JsonArguments json(architecture);
  json.from_config(arguments, where);
  Request request = json.finish(where);
  Prepared out;
  request.load_later = &out.load;
  out.model = architecture.make(request);
  return out;
}

Config schema(const std::string& name) {
  JsonArguments json(find_architecture(name));
  return fields_schema(json);
}

}  // namespace keratin::applications
