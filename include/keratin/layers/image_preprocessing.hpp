#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <keratin/config.hpp>
#include <keratin/dtype_policy.hpp>
#include <keratin/export.hpp>
#include <keratin/layer.hpp>
#include <keratin/tensor.hpp>

/// Layers on images: [batch, height, width, channels], or one image without
/// batch; "channels_first" puts the channels before the height. Integers are
/// cast to the compute dtype (Resizing keeps them).
///
/// Random layers do something in training only, and draw anew for each image
/// unless said otherwise. They may stand in a model or run over data:
/// `augment(layer, data)` below.
namespace keratin::layers {

/// A number or a pair of numbers, as Keras takes factors and ranges: `0.2`,
/// `{-0.1, 0.3}`.
class KERATIN_API Factor {
 public:
  Factor() = default;  // not given (Keras's None)

  // NOLINTBEGIN(google-explicit-constructor): read as numbers
  Factor(double value) : config_(number(value)) {}

  Factor(int value) : config_(value) {}

  Factor(double low, double high)
      : config_(Config::array({number(low), number(high)})) {}

  // NOLINTEND(google-explicit-constructor)

  const Config& config() const { return config_; }

 private:
  /// Whole numbers as JSON integers.
  static Config number(double value);

  Config config_;
};

/// Images and what belongs to them. Empty: not given.
struct ImageData {
  Tensor images;
  Tensor labels;              // [batch, classes]
  Tensor segmentation_masks;  // as images
  Tensor boxes;               // [batch, boxes, 4] in the layer's format
  Tensor box_labels;          // [batch, boxes]
};

/// Runs a layer of this header (or a Pipeline of them) over images and their
/// labels at once, as calling it on a dict does in Keras. In models, give the
/// parts as arguments "labels", "segmentation_masks", "boxes", "box_labels".
KERATIN_API ImageData
augment(const Layer& layer, const ImageData& data, bool training = true);

/// The options that all these layers have.
struct ImageOptions {
  std::string data_format = "channels_last";
  /// Needed for boxes: "xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", or
  /// in parts of the image's size "rel_xyxy", "rel_yxyx", "rel_xywh",
  /// "rel_center_xywh".
  std::optional<std::string> bounding_box_format = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

struct RandomImageOptions {
  std::optional<std::int64_t> seed = {};
  std::string data_format = "channels_last";
  std::optional<std::string> bounding_box_format = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Of layers that change colours. value_range: of the pixels' values.
struct RandomColorOptions {
  Factor value_range = {0, 255};
  std::optional<std::int64_t> seed = {};
  std::string data_format = "channels_last";
  std::optional<std::string> bounding_box_format = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Of layers that move pixels. What comes from outside: "reflect" (the edge
/// twice), "wrap", "nearest" or "constant" (fill_value).
struct RandomMoveOptions {
  std::string fill_mode = "reflect";
  std::string interpolation = "bilinear";  // or "nearest"
  std::optional<std::int64_t> seed = {};
  double fill_value = 0;
  std::string data_format = "channels_last";
  std::optional<std::string> bounding_box_format = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

// -- size, always -----------------------------------------------------------

struct ResizingOptions {
  /// "bilinear", "nearest", "bicubic", "lanczos3", "lanczos5" or "area".
  std::string interpolation = "bilinear";
  bool crop_to_aspect_ratio = false;
  bool pad_to_aspect_ratio = false;
  std::string fill_mode = "constant";
  double fill_value = 0;
  bool antialias = false;
  std::string data_format = "channels_last";
  std::optional<std::string> bounding_box_format = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Images of one size. Integers stay integers.
class KERATIN_API Resizing : public Layer {
 public:
  Resizing(
      std::int64_t height, std::int64_t width, ResizingOptions options = {});
};

/// The middle; smaller images are cropped to the proportions and resized.
class KERATIN_API CenterCrop : public Layer {
 public:
  CenterCrop(
      std::int64_t height, std::int64_t width, ImageOptions options = {});
};

// -- geometry ---------------------------------------------------------------

/// One place for the whole batch. As in Keras, images pass unchanged, in their
/// own size, outside training.
class KERATIN_API RandomCrop : public Layer {
 public:
  RandomCrop(
      std::int64_t height, std::int64_t width, RandomImageOptions options = {});
};

/// mode: "horizontal", "vertical" or "horizontal_and_vertical" (then both or
/// none, as in Keras).
class KERATIN_API RandomFlip : public Layer {
 public:
  explicit RandomFlip(
      std::string mode = "horizontal_and_vertical",
      RandomImageOptions options = {});
};

/// factor: parts of a full turn, clockwise.
class KERATIN_API RandomRotation : public Layer {
 public:
  explicit RandomRotation(Factor factor, RandomMoveOptions options = {});
};

/// Factors: parts of height and width; positive: down, right.
class KERATIN_API RandomTranslation : public Layer {
 public:
  explicit RandomTranslation(
      Factor height_factor,
      Factor width_factor,
      RandomMoveOptions options = {});
};

struct RandomZoomOptions {
  Factor width_factor = {};  // not given: the proportions stay
  std::string fill_mode = "reflect";
  std::string interpolation = "bilinear";
  std::optional<std::int64_t> seed = {};
  double fill_value = 0;
  std::string data_format = "channels_last";
  std::optional<std::string> bounding_box_format = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Factors: 0.2 makes the image 1 / 1.2 as large.
class KERATIN_API RandomZoom : public Layer {
 public:
  explicit RandomZoom(Factor height_factor, RandomZoomOptions options = {});
};

/// Factors in [0, 1]; either direction is as likely.
class KERATIN_API RandomShear : public Layer {
 public:
  explicit RandomShear(
      Factor x_factor, Factor y_factor, RandomMoveOptions options = {});
};

struct RandomPerspectiveOptions {
  Factor factor = 1.0;  // the probability, drawn from a range
  double scale = 1;     // how far corners move, at most: half of it
  std::string interpolation = "bilinear";
  double fill_value = 0;
  std::optional<std::int64_t> seed = {};
  std::string data_format = "channels_last";
  std::optional<std::string> bounding_box_format = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

class KERATIN_API RandomPerspective : public Layer {
 public:
  explicit RandomPerspective(RandomPerspectiveOptions options = {});
};

struct RandomElasticTransformOptions {
  Factor factor = 1.0;  // the probability, drawn from a range
  Factor scale = 1.0;
  std::string interpolation = "bilinear";
  std::string fill_mode = "reflect";  // also "mirror"
  double fill_value = 0;
  Factor value_range = {0, 255};
  std::optional<std::int64_t> seed = {};
  std::string data_format = "channels_last";
  std::optional<std::string> bounding_box_format = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

class KERATIN_API RandomElasticTransform : public Layer {
 public:
  explicit RandomElasticTransform(RandomElasticTransformOptions options = {});
};

// -- colour -----------------------------------------------------------------

/// Adds a number of factor times the value range.
class KERATIN_API RandomBrightness : public Layer {
 public:
  explicit RandomBrightness(Factor factor, RandomColorOptions options = {});
};

/// (x - mean) * c + mean, c from [1 - low, 1 + high] of factor; a number f
/// means (0, f), as in Keras.
class KERATIN_API RandomContrast : public Layer {
 public:
  explicit RandomContrast(Factor factor, RandomColorOptions options = {});
};

/// Turns the hue by up to factor / 2 of the circle, either way.
class KERATIN_API RandomHue : public Layer {
 public:
  explicit RandomHue(Factor factor, RandomColorOptions options = {});
};

/// Saturation times f / (1 - f): 0.5 leaves it.
class KERATIN_API RandomSaturation : public Layer {
 public:
  explicit RandomSaturation(Factor factor, RandomColorOptions options = {});
};

struct RandomColorJitterOptions {
  Factor value_range = {0, 255};
  Factor brightness_factor = {};  // not given: left alone, as the next
  Factor contrast_factor = {};
  Factor saturation_factor = {};
  Factor hue_factor = {};
  std::optional<std::int64_t> seed = {};
  std::string data_format = "channels_last";
  std::optional<std::string> bounding_box_format = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

class KERATIN_API RandomColorJitter : public Layer {
 public:
  explicit RandomColorJitter(RandomColorJitterOptions options = {});
};

/// Towards gray: 1 is gray.
class KERATIN_API RandomColorDegeneration : public Layer {
 public:
  explicit RandomColorDegeneration(
      Factor factor, RandomColorOptions options = {});
};

/// Gray with probability factor.
class KERATIN_API RandomGrayscale : public Layer {
 public:
  explicit RandomGrayscale(
      double factor = 0.5, RandomImageOptions options = {});
};

/// The range's upper end minus x, with a probability drawn from factor.
class KERATIN_API RandomInvert : public Layer {
 public:
  explicit RandomInvert(Factor factor = 1.0, RandomColorOptions options = {});
};

/// Keeps the upper bits of 8: factor of them, a number f meaning 1 to f - 1.
class KERATIN_API RandomPosterization : public Layer {
 public:
  explicit RandomPosterization(Factor factor, RandomColorOptions options = {});
};

/// 0 smooths, 0.5 leaves, 1 sharpens.
class KERATIN_API RandomSharpness : public Layer {
 public:
  explicit RandomSharpness(Factor factor, RandomColorOptions options = {});
};

struct RandomGaussianBlurOptions {
  Factor factor = 1.0;     // the probability, drawn from a range
  Factor kernel_size = 3;  // odd; or a pair, for x and y
  Factor sigma = 1.0;      // one draw for the batch, each for x and y
  Factor value_range = {0, 255};
  std::optional<std::int64_t> seed = {};
  std::string data_format = "channels_last";
  std::optional<std::string> bounding_box_format = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

class KERATIN_API RandomGaussianBlur : public Layer {
 public:
  explicit RandomGaussianBlur(RandomGaussianBlurOptions options = {});
};

struct RandomErasingOptions {
  Factor factor = 1.0;          // the probability, drawn from a range
  Factor scale = {0.02, 0.33};  // squares of the rectangle's sides
  /// A number or one per channel; not given: noise.
  std::vector<double> fill_value = {};
  Factor value_range = {0, 255};
  std::optional<std::int64_t> seed = {};
  std::string data_format = "channels_last";
  std::optional<std::string> bounding_box_format = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

class KERATIN_API RandomErasing : public Layer {
 public:
  explicit RandomErasing(RandomErasingOptions options = {});
};

struct ColorOptions {
  Factor value_range = {0, 255};
  std::string data_format = "channels_last";
  std::optional<std::string> bounding_box_format = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Stretches each channel over the value range. Always, not only in training.
class KERATIN_API AutoContrast : public Layer {
 public:
  explicit AutoContrast(ColorOptions options = {});
};

struct EqualizationOptions {
  Factor value_range = {0, 255};
  std::int64_t bins = 256;
  std::string data_format = "channels_last";
  std::optional<std::string> bounding_box_format = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Flattens the histogram of each channel, that of the whole batch. In
/// training only.
class KERATIN_API Equalization : public Layer {
 public:
  explicit Equalization(EqualizationOptions options = {});
};

/// Adds up to addition_factor * 255 and inverts what is not below a threshold
/// of up to threshold_factor * 255.
class KERATIN_API Solarization : public Layer {
 public:
  explicit Solarization(
      Factor addition_factor,
      Factor threshold_factor,
      RandomColorOptions options = {});
};

struct ClaheOptions {
  Factor value_range = {0, 255};
  double clip_limit = 4;
  std::vector<std::int64_t> tile_grid_size = {8, 8};
  std::string data_format = "channels_last";
  std::optional<std::string> bounding_box_format = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Equalizes tiles by their clipped histograms and blends between tiles.
/// Always, not only in training.
class KERATIN_API ContrastLimitedAdaptiveHistogramEqualization : public Layer {
 public:
  explicit ContrastLimitedAdaptiveHistogramEqualization(
      ClaheOptions options = {});
};

// -- several images, several layers -----------------------------------------

/// Blends every image, and its labels, with another of the batch; the weight is
/// drawn from the beta distribution (alpha, alpha).
class KERATIN_API MixUp : public Layer {
 public:
  explicit MixUp(double alpha = 0.2, RandomImageOptions options = {});
};

/// Puts a rectangle of another image of the batch into every image, and blends
/// the labels by the area.
class KERATIN_API CutMix : public Layer {
 public:
  explicit CutMix(Factor factor = 1.0, RandomImageOptions options = {});
};

struct RandAugmentOptions {
  Factor value_range = {0, 255};
  std::int64_t num_ops = 2;
  Factor factor = 0.5;
  std::string interpolation = "bilinear";
  std::optional<std::int64_t> seed = {};
  std::string data_format = "channels_last";
  std::optional<std::string> bounding_box_format = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// num_ops of eleven layers, drawn for the whole batch.
class KERATIN_API RandAugment : public Layer {
 public:
  explicit RandAugment(RandAugmentOptions options = {});
};

struct AugMixOptions {
  Factor value_range = {0, 255};
  std::int64_t num_chains = 3;
  std::int64_t chain_depth = 3;
  Factor factor = 0.3;
  double alpha = 1;
  bool all_ops = true;
  std::string interpolation = "bilinear";
  std::optional<std::int64_t> seed = {};
  std::string data_format = "channels_last";
  std::optional<std::string> bounding_box_format = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// The images blended with num_chains chains of up to chain_depth layers.
class KERATIN_API AugMix : public Layer {
 public:
  explicit AugMix(AugMixOptions options = {});
};

struct MaxNumBoundingBoxesOptions {
  std::int64_t fill_value = -1;
  std::string data_format = "channels_last";
  std::optional<std::string> bounding_box_format = {};
  std::string name = {};
  DTypePolicy dtype = {};
  bool trainable = true;
};

/// Cuts or fills the list of boxes; images pass as they are.
class KERATIN_API MaxNumBoundingBoxes : public Layer {
 public:
  explicit MaxNumBoundingBoxes(
      std::int64_t max_number, MaxNumBoundingBoxesOptions options = {});
};

/// Layers one after the other. Images come with their labels where the layers
/// take them.
class KERATIN_API Pipeline : public Layer {
 public:
  explicit Pipeline(std::vector<Layer> layers, std::string name = {});
};

}  // namespace keratin::layers
