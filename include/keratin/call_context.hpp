#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/value.hpp>
#include <keratin/variable.hpp>

namespace keratin {

/// What a forward pass carries while layers are called on a graph's values:
/// the graph, whether it trains, the variables as they stand at this point of
/// the pass, losses that layers add, masks.
class KERATIN_API CallContext {
 public:
  explicit CallContext(Graph& graph, bool training = false)
      : graph_(graph), training_(training) {}

  virtual ~CallContext();
  CallContext(const CallContext&) = delete;
  CallContext& operator=(const CallContext&) = delete;

  Graph& graph() { return graph_; }

  bool training() const { return training_; }

  void set_training(bool training) { training_ = training; }

  /// The variable's value at this point of the pass: what was last assigned,
  /// else its value before the step. Inside a layer's call, a floating-point
  /// variable is cast to the layer's compute dtype (Keras's autocast).
  Value read(const Variable& variable);

  /// As read, never cast.
  Value read_uncast(const Variable& variable);

  /// The variable's value from here on. Takes effect when the step is done; a
  /// floating-point value of another dtype is cast to the variable's.
  void assign(const Variable& variable, const Value& value);

  /// Adds a scalar to the loss of the step.
  void add_loss(const Value& loss);

  const std::vector<Value>& losses() const { return losses_; }

  /// Takes the losses added so far away.
  std::vector<Value> take_losses() { return std::exchange(losses_, {}); }

  /// The state for one random op, from a seed variable (u32[2]); the variable's
  /// counter moves on, so that the next call draws other numbers.
  Value next_random_state(const Variable& seed_state);

  /// The mask that travels with a value: bool, true where it counts; empty when
  /// there is none.
  Value mask(const Value& x) const;
  void set_mask(const Value& x, const Value& mask);

  /// The dtype variables are cast to; nullptr: not cast. Set by layers.
  const DType* autocast() const { return autocast_; }

  void set_autocast(const DType* dtype) { autocast_ = dtype; }

  /// Every variable assigned in this pass with its last value, in order of the
  /// first assignment.
  const std::vector<std::pair<Variable, Value>>& assigned() const {
    return assigned_;
  }

  /// Makes the assignments part of the graph. Call once, at the end.
  void finish();

 private:
  struct Key {
    const Graph* graph;
    std::int32_t id;
    bool operator==(const Key&) const = default;
  };

  struct KeyHash {
    std::size_t operator()(const Key& key) const;
  };

  Graph& graph_;
  bool training_;
  const DType* autocast_ = nullptr;
  std::vector<std::pair<Variable, Value>> assigned_;
  std::unordered_map<std::uint64_t, std::size_t> assigned_at_;  // by variable
  std::vector<Value> losses_;
  std::unordered_map<Key, Value, KeyHash> masks_;
};

}  // namespace keratin
