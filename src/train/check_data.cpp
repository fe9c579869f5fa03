#include "src/train/check_data.hpp"

#include <algorithm>
#include <optional>
#include <span>

#include <keratin/error.hpp>

#include "src/core/format.hpp"
#include "src/core/names.hpp"
#include "src/core/visit.hpp"
#include "src/train/trainer_state.hpp"

namespace keratin {

std::int64_t FeedData::rows() const {
  if (host_rows >= 0) return host_rows;
  return x.empty() ? 0 : x[0].shape()[0];
}

namespace {

/// The arrays in the model's order. Absent where no array has the name, unless
/// `all` are wanted.
std::vector<Tensor> in_order(
    const std::string& who,
    const TensorSet& set,
    const std::vector<std::string>& names,
    const char* what,
    bool all) {
  if (set.names().empty()) return set.tensors();
  std::vector<Tensor> tensors(names.size());
  std::vector<bool> given(names.size(), false);
  for (std::size_t i = 0; i < set.names().size(); ++i) {
    const auto found = std::find(names.begin(), names.end(), set.names()[i]);
    if (found == names.end()) {
      throw InvalidArgument(format(
          "{} got {} named '{}', which the model does not have{}",
          who,
          what,
          set.names()[i],
          did_you_mean(set.names()[i], names)));
    }
    const auto at = static_cast<std::size_t>(found - names.begin());
    tensors[at] = set.tensors()[i];
    given[at] = true;
  }
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (given[i] || !all) continue;
    throw InvalidArgument(format("{} got no {} '{}'", who, what, names[i]));
  }
  return tensors;
}

/// Which outputs have a loss; empty when all have the same one or none has.
std::vector<bool> outputs_with_loss(const ModelImpl& model) {
  std::vector<bool> has;
  if (!model.compiled()) return has;
  const PerOutput<Loss>& loss = model.compile_arguments().loss;
  if (loss.empty() || loss.single()) return has;
  if (loss.names().empty()) {
    for (const Loss& each : loss.list()) has.push_back(static_cast<bool>(each));
    return has;
  }
  for (const std::string& output : model.output_names()) {
    const auto& names = loss.names();
    const auto found = std::find(names.begin(), names.end(), output);
    const auto at = static_cast<std::size_t>(found - names.begin());
    has.push_back(at < names.size() && loss.list()[at]);
  }
  return has;
}

/// As many arrays as outputs have a loss: they are those outputs'.
void spread_over_losses(
    const std::vector<bool>& has_loss, std::vector<Tensor>& tensors) {
  const auto losses = std::count(has_loss.begin(), has_loss.end(), true);
  if (tensors.empty() || tensors.size() == has_loss.size() ||
      tensors.size() != static_cast<std::size_t>(losses)) {
    return;
  }
  std::vector<Tensor> spread;
  auto next = tensors.begin();
  for (const bool has : has_loss) spread.push_back(has ? *next++ : Tensor());
  tensors = std::move(spread);
}

/// Absent arrays have any number of rows.
void check_rows(
    const std::string& who,
    const std::vector<Tensor>& tensors,
    const char* what,
    std::int64_t rows,
    const std::vector<LayerImpl::Spec>& specs = {}) {
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& tensor = tensors[i];
    if (absent(tensor)) continue;
    const bool texts = i < specs.size() && specs[i].dtype == DType::string;
    if (texts && tensor.dtype() != DType::string) {
      throw InvalidArgument(format(
          "{} {}[{}]: expected strings, got {}{}",
          who,
          what,
          i,
          tensor.dtype(),
          tensor.shape()));
    }
    if (!texts && tensor.dtype() == DType::string) {
      throw InvalidArgument(format(
          "{} {}[{}]: expected numbers, got strings; encode them first",
          who,
          what,
          i));
    }
    if (tensor.rank() == 0) {
      throw InvalidArgument(format(
          "{} {}[{}]: expected a batch axis, got a scalar", who, what, i));
    }
    if (tensor.shape()[0] != rows) {
      throw InvalidArgument(format(
          "{} {}[{}] has {} rows where x[0] has {}",
          who,
          what,
          i,
          tensor.shape()[0],
          rows));
    }
  }
}

/// Class indices of targets: themselves, or the largest of a one-hot row.
std::vector<std::int64_t> classes_of(const Tensor& y) {
  const std::int64_t rows = y.shape()[0];
  const std::int64_t width = rows == 0 ? 1 : y.size() / rows;
  std::vector<std::int64_t> classes(static_cast<std::size_t>(rows));
  for (std::int64_t row = 0; row < rows; ++row) {
    std::int64_t best = 0;
    for (std::int64_t k = 1; k < width; ++k) {
      if (y.at(row * width + k) > y.at(row * width + best)) best = k;
    }
    classes[static_cast<std::size_t>(row)] =
        width == 1 ? static_cast<std::int64_t>(y.at(row)) : best;
  }
  return classes;
}

Tensor weights_of_classes(
    const std::string& who,
    const Tensor& y,
    const std::map<std::int64_t, double>& class_weight) {
  if (y.rank() > 2) {
    throw InvalidArgument(format(
        "{} class_weight: expected targets of rank 1 or 2, got shape {}",
        who,
        y.shape()));
  }
  std::vector<double> weights;
  for (const std::int64_t label : classes_of(y)) {
    // Keras: a class that is not listed weighs 1.
    const auto found = class_weight.find(label);
    weights.push_back(found == class_weight.end() ? 1.0 : found->second);
  }
  return Tensor(weights).cast(floatx());
}

}  // namespace

bool absent(const Tensor& tensor) {
  return tensor.dtype() == DType::f32 && tensor.shape() == Shape{0};
}

namespace {

/// The position of the first label that is no class; the size if there is none.
std::int64_t first_out_of_range(
    const Tensor& y,
    std::int64_t classes,
    std::optional<std::int64_t> ignored) {
  return visit_dtype(y.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    const std::span<const T> labels = y.data<T>();
    const auto bad = [&](T element) {
      const auto label = convert_element<double>(element);
      return !(label >= 0 && label < static_cast<double>(classes)) &&
             !(ignored && label == static_cast<double>(*ignored));
    };
    return std::find_if(labels.begin(), labels.end(), bad) - labels.begin();
  });
}

}  // namespace

void check_labels(
    const ModelImpl& model, const std::string& who, const FeedData& data) {
  const auto specs = model.output_specs();
  for (std::size_t i = 0; i < data.y.size() && i < specs.size(); ++i) {
    const LossImpl* loss = nullptr;
    for (const OutputLoss& known : model.trainer_state().losses) {
      if (known.output == i) loss = &known.loss.impl();
    }
    if (loss == nullptr || !loss->is_sparse() || absent(data.y[i])) continue;
    const Config axis = loss->get_config().get("axis", -1);
    if (!axis.is_int() || axis.as_int() != -1) continue;  // classes elsewhere
    if (specs[i].shape.empty() || specs[i].shape.back() == kUnknown) continue;
    const std::int64_t classes = specs[i].shape.back();
    const Tensor& y = data.y[i];
    const std::int64_t k =
        first_out_of_range(y, classes, loss->ignored_class());
    if (k == y.size()) continue;
    throw InvalidArgument(format(
        "{} y[{}]: label {} at position {} is out of range: the output '{}' "
        "has {} classes, 0 to {}",
        who,
        i,
        y.at(k),
        k,
        model.output_names()[i],
        classes,
        classes - 1));
  }
}

FeedData check_data(
    ModelImpl& model,
    const std::string& who,
    const TensorSet& x,
    const TensorSet& y,
    const TensorSet& sample_weight,
    const std::map<std::int64_t, double>& class_weight) {
  FeedData data;
  const std::vector<std::string> outputs = model.output_names();
  data.x = in_order(who, x, model.input_names(), "input", true);
  data.y = in_order(who, y, outputs, "target", false);
  data.sample_weight =
      in_order(who, sample_weight, outputs, "sample_weight", false);
  const std::vector<bool> has_loss = outputs_with_loss(model);
  spread_over_losses(has_loss, data.y);
  if (sample_weight.size() > 1) {
    spread_over_losses(has_loss, data.sample_weight);
  }
  if (data.x.empty()) throw InvalidArgument(format("{} got no input", who));
  if (data.x[0].rank() == 0 || data.x[0].shape()[0] == 0) {
    throw InvalidArgument(format(
        "{} expected at least one row of data, got shape {}",
        who,
        data.x[0].shape()));
  }
  const std::int64_t rows = data.rows();
  for (std::size_t i = 0; i < data.x.size(); ++i) {
    if (!absent(data.x[i])) continue;
    throw InvalidArgument(format("{} x[{}] is empty", who, i));
  }
  check_rows(who, data.x, "x", rows, model.input_specs());
  check_rows(who, data.y, "y", rows);
  check_rows(who, data.sample_weight, "sample_weight", rows);
  if (!class_weight.empty()) {
    if (!data.sample_weight.empty()) {
      throw InvalidArgument(
          format("{} got both class_weight and sample_weight; give one", who));
    }
    if (data.y.size() != 1 || absent(data.y[0])) {
      throw InvalidArgument(format(
          "{} class_weight needs a model with one output, got {} targets",
          who,
          data.y.size()));
    }
    data.sample_weight = {weights_of_classes(who, data.y[0], class_weight)};
  }
  if (!data.sample_weight.empty() && data.sample_weight.size() != 1 &&
      data.sample_weight.size() != data.y.size()) {
    throw InvalidArgument(format(
        "{} expected one sample_weight or one per target ({}), got {}",
        who,
        data.y.size(),
        data.sample_weight.size()));
  }
  data.host = host_part_of(model);
  return data;
}

FeedData as_batch(FeedData data) {
  if (!data.host) return data;
  data.host_rows = data.rows();
  data.x = data.host->before(data.x, data.host_values);
  return data;
}

Shape input_shape(const Shape& want, const Shape& got) {
  Shape fitted = got;
  if (got.rank() + 1 == want.rank() && want.back() == 1) {
    fitted.push_back(1);
  } else if (got.rank() == want.rank() + 1 && got.back() == 1) {
    fitted = Shape(std::vector(got.begin(), got.end() - 1));
  }
  return fitted;
}

void check_like_input(
    const ModelImpl& model, const std::string& who, const FeedData& data) {
  if (data.host) return;  // made on the data threads: known when it comes
  const auto specs = model.input_specs();
  for (std::size_t i = 0; i < specs.size() && i < data.x.size(); ++i) {
    const Shape& want = specs[i].shape;
    const Shape got = input_shape(want, data.x[i].shape());
    bool fits = want.rank() == got.rank();
    for (std::size_t axis = 0; fits && axis < want.rank(); ++axis) {
      fits = want[axis] == kUnknown || want[axis] == got[axis] || axis == 0;
    }
    if (fits) continue;
    throw InvalidArgument(format(
        "{} x[{}]: expected shape {}, got {}",
        who,
        i,
        want.keras_str(),
        got.keras_str()));
  }
}

}  // namespace keratin
