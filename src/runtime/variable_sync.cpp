#include "src/runtime/variable_sync.hpp"

#include <keratin/variable.hpp>

#include "src/core/check.hpp"

namespace keratin {

namespace {

// Whether storage on `device` ("cuda:0") was made by `backend` ("cuda").
bool made_by(std::string_view device, std::string_view backend) {
  return device.starts_with(backend) &&
         (device.size() == backend.size() || device[backend.size()] == ':');
}

void fetch_locked(const VariableState& state) {
  if (state.host_current) return;
  KERATIN_CHECK(
      state.device && state.device_current,
      "variable {} has no value anywhere",
      state.path);
  state.host = state.device->download();
  state.host_current = true;
}

}  // namespace

std::uint64_t move_to_device(VariableState& state, Backend& backend) {
  const std::lock_guard lock(state.mutex);
  if (!state.device || !made_by(state.device->device(), backend.name())) {
    fetch_locked(state);
    state.device = backend.allocate(state.dtype, state.shape);
    state.device_current = false;
  }
  if (!state.device_current) {
    state.device->upload(state.host);
    state.device_current = true;
  }
  return state.version;
}

Variable make_device_variable(
    Backend& backend, DType dtype, const Shape& shape) {
  Variable variable(Tensor::uninitialized(dtype, {0}), {.trainable = false});
  VariableState& state = variable.state();
  state.shape = shape;
  state.host = {};
  state.host_current = false;
  state.device = backend.allocate(dtype, shape);
  state.device_current = true;
  return variable;
}

void fetch_to_host(const VariableState& state) {
  const std::lock_guard lock(state.mutex);
  fetch_locked(state);
}

void note_assigned(VariableState& state) {
  const std::lock_guard lock(state.mutex);
  state.device_current = true;
  state.host_current = false;
  ++state.version;
}

void restore_from_host(VariableState& state) {
  const std::lock_guard lock(state.mutex);
  state.device_current = false;
}

}  // namespace keratin
