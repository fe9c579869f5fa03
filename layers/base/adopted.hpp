#pragma once

#include <vector>

#include <keratin/variable.hpp>

namespace keratin {

/// A layer that counts weights of a layer inside among its own, before those it
/// made: Keras does so where a wrapper keeps one as an attribute.
class AdoptsWeights {
 public:
  virtual ~AdoptsWeights() = default;
  virtual std::vector<Variable> adopted_weights() const = 0;
};

}  // namespace keratin
