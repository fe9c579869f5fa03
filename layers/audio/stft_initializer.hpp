#pragma once

#include <string>

#include <keratin/layers/spectrogram.hpp>

namespace keratin::layers {

class STFTInitializer final : public InitializerImpl {
 public:
  explicit STFTInitializer(initializers::STFTOptions options = {});

  std::string class_name() const override { return "STFT"; }

  void fields(FieldVisitor& visit) override;
  void from_config(const Config& config, const std::string& where) override;
  Tensor make(const Shape& shape, DType dtype) const override;

 private:
  void check(const std::string& where) const;

  initializers::STFTOptions o_;
};

}  // namespace keratin::layers
