#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <keratin/tensor.hpp>

namespace keratin::cli {

/// Pictures side by side, as the model gets them.
class SampleSheet {
 public:
  static constexpr std::int64_t kColumns = 8;
  static constexpr std::int64_t kRows = 8;

  /// Takes rows of a batch until the sheet is full. Batches of anything but
  /// pictures (rank 3, or rank 4 with 1, 3 or 4 channels) are left out.
  void add(const Tensor& batch);

  bool empty() const { return pictures_.empty(); }

  /// Writes a PNG or JPEG. Values from 0 to 1 and from 0 to 255 are shown as
  /// such; others from the lowest to the highest of the sheet. Throws
  /// SystemError when it cannot be written.
  void save(const std::string& path) const;

 private:
  std::vector<Tensor> pictures_;  // f32[height, width, channels]
};

}  // namespace keratin::cli
