#include "src/train/feed.hpp"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>
#include <span>

#include <keratin/error.hpp>
#include <keratin/random.hpp>

#include "src/core/format.hpp"
#include "src/core/names.hpp"
#include "src/core/philox.hpp"
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
    const std::optional<std::int64_t> ignored = loss->ignored_class();
    for (std::int64_t k = 0; k < y.size(); ++k) {
      const double label = y.at(k);
      if (label >= 0 && label < static_cast<double>(classes)) continue;
      if (ignored && label == static_cast<double>(*ignored)) continue;
      throw InvalidArgument(format(
          "{} y[{}]: label {} at position {} is out of range: the output '{}' "
          "has {} classes, 0 to {}",
          who,
          i,
          label,
          k,
          model.output_names()[i],
          classes,
          classes - 1));
    }
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

std::vector<std::int64_t> random_order(std::int64_t count) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), 0);
  const std::uint64_t seed = next_seed();
  const std::array<std::uint32_t, 2> key = {
      static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
  // Fisher-Yates, a 64-bit draw per element: its bias is below 2^-32.
  for (std::int64_t i = count - 1; i > 0; --i) {
    const auto bits = philox(
        {static_cast<std::uint32_t>(i),
         static_cast<std::uint32_t>(i >> 32),
         0,
         0},
        key);
    const std::uint64_t draw =
        (static_cast<std::uint64_t>(bits[0]) << 32) | bits[1];
    const auto other =
        static_cast<std::int64_t>(draw % static_cast<std::uint64_t>(i + 1));
    std::swap(
        order[static_cast<std::size_t>(i)],
        order[static_cast<std::size_t>(other)]);
  }
  return order;
}

Feed::Feed(FeedData data, std::int64_t batch_size, bool shuffle)
    : data_(std::move(data)), batch_size_(batch_size), shuffle_(shuffle) {}

std::int64_t Feed::batches() const {
  return (data_.rows() - 1) / batch_size_ + 1;  // there is a row at least
}

Feed::~Feed() {
  drop_ahead();
}

void Feed::drop_ahead() {
  if (ahead_.valid()) ahead_.wait();
  ahead_ = {};
}

void Feed::start() {
  drop_ahead();
  position_ = 0;
  if (shuffle_) order_ = random_order(data_.rows());
}

bool Feed::next(FeedData& batch) {
  return data_.host ? next_from_host(batch) : cut(batch);
}

bool Feed::next_from_host(FeedData& batch) {
  const auto compute = [host = data_.host](FeedData raw) {
    raw.host = host;
    return as_batch(std::move(raw));
  };
  if (ahead_.valid()) {
    batch = ahead_.get();
  } else {
    FeedData raw;
    if (!cut(raw)) return false;
    batch = compute(std::move(raw));
  }
  // Programs use all processors already: what runs some is not run beside them.
  if (data_.host->runs_programs()) return true;
  if (FeedData raw; cut(raw)) {
    ahead_ = std::async(std::launch::async, compute, std::move(raw));
  }
  return true;
}

bool Feed::cut(FeedData& batch) {
  if (position_ >= data_.rows()) return false;
  begin_ = position_;
  end_ = position_ + std::min(batch_size_, data_.rows() - position_);
  position_ = end_;
  gather(data_.x, batch.x);
  gather(data_.y, batch.y);
  gather(data_.sample_weight, batch.sample_weight);
  return true;
}

void Feed::gather(const std::vector<Tensor>& from, std::vector<Tensor>& to) {
  to.resize(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (absent(from[i])) {
      to[i] = from[i];
      continue;
    }
    if (order_.empty()) {
      to[i] = from[i].slice(begin_, end_);
      continue;
    }
    if (from[i].dtype() == DType::string) {
      to[i] = from[i].take(std::span<const std::int64_t>(order_).subspan(
          static_cast<std::size_t>(begin_),
          static_cast<std::size_t>(end_ - begin_)));
      continue;
    }
    Shape shape = from[i].shape();
    shape[0] = end_ - begin_;
    if (to[i].shape() != shape || to[i].dtype() != from[i].dtype()) {
      to[i] = Tensor::uninitialized(from[i].dtype(), shape);
    }
    const std::size_t row_bytes =
        from[i].size_bytes() / static_cast<std::size_t>(from[i].shape()[0]);
    const auto* source = static_cast<const std::byte*>(from[i].raw());
    auto* target = static_cast<std::byte*>(to[i].mutable_raw());
    for (std::int64_t row = begin_; row < end_; ++row) {
      const auto at =
          static_cast<std::size_t>(order_[static_cast<std::size_t>(row)]);
      std::memcpy(target, source + at * row_bytes, row_bytes);
      target += row_bytes;
    }
  }
}

}  // namespace keratin
