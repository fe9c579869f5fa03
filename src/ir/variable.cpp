#include <atomic>
#include <utility>

#include <keratin/error.hpp>
#include <keratin/variable.hpp>

#include "src/core/format.hpp"
#include "src/ir/variable_state.hpp"

namespace keratin {

namespace {

std::uint64_t next_id() {
  static std::atomic<std::uint64_t> counter{1};
  return counter.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

Variable::Variable(Tensor initial_value, VariableOptions options)
    : state_(std::make_shared<VariableState>()) {
  if (initial_value.dtype() == DType::string) {
    throw InvalidArgument(format(
        "[variable {}] expected a numeric dtype, got string", options.name));
  }
  state_->name = options.name;
  state_->path = std::move(options.name);
  state_->dtype = initial_value.dtype();
  state_->shape = initial_value.shape();
  state_->trainable = options.trainable;
  state_->regularizer = std::move(options.regularizer);
  state_->constraint = std::move(options.constraint);
  state_->id = next_id();
  state_->host = std::move(initial_value);
}

const std::string& Variable::name() const {
  return state_->name;
}

const std::string& Variable::path() const {
  return state_->path;
}

DType Variable::dtype() const {
  return state_->dtype;
}

const Shape& Variable::shape() const {
  return state_->shape;
}

bool Variable::trainable() const {
  return state_->trainable;
}

void Variable::set_trainable(bool trainable) {
  state_->trainable = trainable;
}

std::uint64_t Variable::id() const {
  return state_->id;
}

Tensor Variable::value() const {
  const std::lock_guard lock(state_->mutex);
  if (!state_->host_current) {
    state_->host = state_->device->download();
    state_->host_current = true;
  }
  return state_->host;
}

void Variable::assign(const Tensor& value) {
  if (value.shape() != state_->shape) {
    throw InvalidArgument(format(
        "[variable {}] expected shape {}, got {}",
        state_->path,
        state_->shape,
        value.shape()));
  }
  Tensor converted = value.cast(state_->dtype);
  const std::lock_guard lock(state_->mutex);
  state_->host = std::move(converted);
  state_->host_current = true;
  state_->device_current = false;
  ++state_->version;
}

}  // namespace keratin
