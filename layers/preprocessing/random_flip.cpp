#include <utility>

#include "layers/preprocessing/boxes.hpp"
#include "layers/support/factories.hpp"

namespace keratin::layers {

namespace {

class RandomFlipImpl final : public ImageLayer {
 public:
  RandomFlipImpl() = default;

  RandomFlipImpl(std::string mode, const RandomImageOptions& options)
      : ImageLayer(options), mode_(std::move(mode)) {
    seed_ = options.seed;
    settle();
  }

  std::string class_name() const override { return "RandomFlip"; }

  void fields(FieldVisitor& visit) override {
    ImageLayer::fields(visit);
    visit_seed(visit);
    visit(
        "mode",
        mode_,
        {.choices = {"horizontal", "vertical", "horizontal_and_vertical"}});
  }

  Transformation transformation(const Draw& draw) const override {
    const bool across = mode_ != "vertical";
    const bool down = mode_ != "horizontal";
    // One draw for both directions, as Keras.
    const Value chosen =
        ops::less_equal(draw.uniform({draw.batch()}, {0, 1}), 0.5);
    const auto flip = [=](const Value& x) {
      ops::Axes axes;
      if (down) axes.push_back(1);
      if (across) axes.push_back(2);
      return ops::where(per_image(chosen), ops::flip(x, axes), x);
    };
    const Extent size = {draw.height(), draw.width()};
    return {
        .images = flip, .masks = flip, .boxes = [=, this](const Boxes& b) {
          return move_boxes(b, box_format(), size, [&](const Corners& c) {
            const Value here = ops::reshape(chosen, {chosen.shape()[0], 1, 1});
            Corners out = c;
            if (across) {
              const auto width = static_cast<double>(size.width);
              out.x1 = ops::where(here, width - c.x2, c.x1);
              out.x2 = ops::where(here, width - c.x1, c.x2);
            }
            if (down) {
              const auto height = static_cast<double>(size.height);
              out.y1 = ops::where(here, height - c.y2, c.y1);
              out.y2 = ops::where(here, height - c.y1, c.y2);
            }
            return out;
          });
        }};
  }

 private:
  std::string mode_ = "horizontal_and_vertical";
};

}  // namespace

std::shared_ptr<LayerImpl> make_random_flip() {
  return std::make_shared<RandomFlipImpl>();
}

RandomFlip::RandomFlip(std::string mode, RandomImageOptions options)
    : Layer(std::make_shared<RandomFlipImpl>(std::move(mode), options)) {}

}  // namespace keratin::layers
