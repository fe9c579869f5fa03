#pragma once

#include <string>
#include <utility>

#include <keratin/losses/loss.hpp>

namespace keratin::losses {

/// One of Keras's losses: keeps its options. Their reduction, name and dtype
/// are LossImpl's.
template <class Options>
class KerasLoss : public LossImpl {
 public:
  KerasLoss(Options options, const char* name)
      : LossImpl(
            options.reduction,
            options.name.empty() ? name : options.name,
            options.dtype),
        o_(std::move(options)) {}

  std::string module() const override { return "keras.losses"; }

 protected:
  Options o_;
};

}  // namespace keratin::losses
