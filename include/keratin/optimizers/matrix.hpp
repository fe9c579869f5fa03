#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <keratin/export.hpp>
#include <keratin/optimizers/optimizer.hpp>

namespace keratin::optimizers {

struct AdafactorOptions {
  LearningRate learning_rate = 0.001;
  double beta_2_decay = -0.8;
  double epsilon_1 = 1e-30;
  double epsilon_2 = 1e-3;
  double clip_threshold = 1;
  bool relative_step = true;  // either way steps are bounded by 1 / sqrt(t)

  std::optional<double> weight_decay = {};
  std::optional<double> clipnorm = {};
  std::optional<double> clipvalue = {};
  std::optional<double> global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<std::int64_t> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<std::int64_t> gradient_accumulation_steps = {};
  std::string name = {};
};

/// Keeps means of g^2 by row and by column only (Shazeer and Stern, 2018).
KERATIN_API Optimizer Adafactor(AdafactorOptions options = {});

struct MuonOptions {
  LearningRate learning_rate = 0.001;
  double adam_beta_1 = 0.9;
  double adam_beta_2 = 0.999;
  std::optional<double> adam_weight_decay = 0.004;
  double epsilon = 1e-7;
  std::optional<double> weight_decay = 0.004;
  std::optional<double> clipnorm = {};
  std::optional<double> clipvalue = {};
  std::optional<double> global_clipnorm = {};
  bool use_ema = false;
  double ema_momentum = 0.99;
  std::optional<std::int64_t> ema_overwrite_frequency = {};
  std::optional<double> loss_scale_factor = {};
  std::optional<std::int64_t> gradient_accumulation_steps = {};
  std::string name = {};
  std::vector<std::string> exclude_layers = {};  // regular expressions of paths
  bool exclude_embeddings = true;
  double muon_a = 3.4445;
  double muon_b = -4.775;
  double muon_c = 2.0315;
  double adam_lr_ratio = 1;
  double momentum = 0.95;
  std::int64_t ns_steps = 5;
  bool nesterov = true;
  std::optional<double> rms_rate = 0.2;
};

/// Matrices step along their momentum made nearly orthogonal by ns_steps of
/// Newton and Schulz's iteration; Adam updates vectors, higher ranks and what
/// is excluded (Jordan, 2024).
KERATIN_API Optimizer Muon(MuonOptions options = {});

}  // namespace keratin::optimizers
