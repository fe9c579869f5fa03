#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <keratin/callbacks.hpp>
#include <keratin/training.hpp>

#include "src/experiment/part.hpp"
#include "src/experiment/sections.hpp"

namespace keratin::experiment {

struct Root;

/// "phases": a list of what changes from one call of fit to the next.
class PhasesPart final : public Part {
 public:
  Config schema() const override;

 protected:
  void make(const Config& config, const std::string& where) override;

  void clear() override {}
};

/// One call of fit.
struct Phase {
  Config trainable;  // {"base": "conv_dw_12"}; null: as it is
  std::optional<CompileArguments> compile;  // none: as it is compiled
  std::shared_ptr<const FitSection> fit;
  std::vector<std::shared_ptr<Callback>> callbacks;
};

/// The phases with what the config says at the top where they say nothing; one
/// when the config lists none. Throws InvalidArgument for what does not fit
/// together.
std::vector<Phase> phases_of(const Root& root);

/// Adds what one call of fit returned to what came before: what is missing in
/// an epoch is NaN.
void append(History& history, const History& more);

}  // namespace keratin::experiment
