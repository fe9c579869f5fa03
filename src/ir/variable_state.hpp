#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include <keratin/tensor.hpp>
#include <keratin/value.hpp>
#include <keratin/variable.hpp>

namespace keratin {

/// A variable's value where a backend computes with it. The backend that made
/// it is the only one that looks inside.
class DeviceStorage {
 public:
  DeviceStorage() = default;
  virtual ~DeviceStorage() = default;
  DeviceStorage(const DeviceStorage&) = delete;
  DeviceStorage& operator=(const DeviceStorage&) = delete;

  /// "cpu", "reference", "cuda:0".
  virtual std::string device() const = 0;

  virtual Tensor download() const = 0;

  /// REQUIRES: the dtype and shape it was allocated with.
  virtual void upload(const Tensor& value) = 0;
};

/// What stands behind a Variable. Exactly one copy of the value is the
/// authoritative one: `host`, or `device` while `on_device` says so (then
/// `host` may be stale). `mutex` guards both; a program holds no lock while it
/// runs, its model does (src/runtime/program.hpp).
struct VariableState {
  std::string name;
  std::string path;
  DType dtype = DType::f32;
  Shape shape;
  bool trainable = true;
  std::function<Value(const Value&)> regularizer;
  std::function<Value(const Value&)> constraint;
  std::uint64_t id = 0;

  mutable std::mutex mutex;
  mutable Tensor host;
  mutable bool host_current = true;       // host holds the value
  bool device_current = false;            // device holds the value
  std::shared_ptr<DeviceStorage> device;  // null until a program needs it
  std::uint64_t version = 0;              // grows with every change
};

}  // namespace keratin
