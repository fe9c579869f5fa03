#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace keratin::cli {

struct PictureOptions {
  std::vector<std::string> pictures;
  std::string model;             // a file of a whole model; or
  std::string application;       // an architecture, with
  std::string weights;           // its weights (empty: ImageNet's) and
  std::vector<std::string> set;  // other arguments, as "alpha=0.25"
  std::string preprocess;        // empty: as the model's family
  std::string interpolation = "bilinear";
  std::string class_index;  // names of the classes
  std::int64_t top = 5;
};

/// Prints the likeliest classes of picture files.
int predict_pictures(const PictureOptions& options);

/// Whether a file's name ends like a picture's.
bool is_picture(const std::string& path);

}  // namespace keratin::cli
