// Ants against bees with features of a network trained on ImageNet: a new head
// on the frozen network, then its last blocks at a small learning rate.
//
//   transfer_learning PICTURES [WEIGHTS.h5]
//
// PICTURES holds train/{ants,bees} and val/{ants,bees}; WEIGHTS are those of
// MobileNet with alpha 0.25, fetched unless they are given.

#include <cstddef>
#include <cstdio>
#include <string>
#include <vector>

#include <keratin/keratin.hpp>

namespace kt = keratin;
namespace apps = kt::applications;
using namespace kt::layers;  // NOLINT: reads like Keras

namespace {

constexpr double kWantedOfHead = 0.83;
constexpr double kWanted = 0.86;

/// Decoded once, shuffled anew in every epoch.
kt::data::Dataset pictures(const std::string& folder) {
  const auto files = kt::utils::image_dataset_from_directory(
      folder,
      {.batch_size = {},
       .image_size = {224, 224},
       .shuffle = false,
       .crop_to_aspect_ratio = true});
  const auto count = static_cast<std::int64_t>(files.file_paths().size());
  return files.cache().shuffle(count).batch(8);
}

kt::CompileArguments with(const kt::Optimizer& optimizer) {
  return {
      .optimizer = optimizer,
      .loss = "sparse_categorical_crossentropy",
      .metrics = {"accuracy"}};
}

/// Trains the layers from `first` on, but for their normalisations.
void unfreeze(const kt::Model& base, const std::string& first) {
  bool trains = false;
  for (kt::Layer layer : base.layers()) {
    trains = trains || layer.name() == first;
    layer.set_trainable(trains && layer.class_name() != "BatchNormalization");
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: transfer_learning PICTURES [WEIGHTS.h5]\n");
    return 2;
  }
  kt::set_random_seed(7);
  const std::string folder = argv[1];
  const kt::data::Dataset train = pictures(folder + "/train");
  const kt::data::Dataset val = pictures(folder + "/val");
  const std::int64_t steps = train.cardinality();

  kt::Model base = apps::MobileNet(
      {.input_shape = {{224, 224, 3}},
       .alpha = 0.25,
       .include_top = false,
       .weights = argc > 2 ? argv[2] : "imagenet",
       .pooling = "avg"});
  base.set_trainable(false);
  kt::Sequential model({
      Input({224, 224, 3}),
      RandomFlip("horizontal"),
      RandomZoom(0.2, {.interpolation = "nearest"}),
      Rescaling(1 / 127.5, -1),
      base,
      Dropout(0.5),
      Dense(2, {.activation = "softmax", .kernel_initializer = "zeros"}),
  });
  model.compile(with(kt::optimizers::Adam(
      {.learning_rate = kt::schedules::CosineDecay(1e-3, 6 * steps)})));
  model.fit(train, {.epochs = 6});
  const double of_head = model.evaluate(val).at("accuracy");

  const std::vector<kt::Tensor> before = base.get_weights();
  base.set_trainable(true);
  unfreeze(base, "conv_dw_12");
  model.compile(with(kt::optimizers::Adam(
      {.learning_rate = 3e-4, .use_ema = true, .ema_momentum = 0.99})));
  model.fit(train, {.epochs = 12});
  const double accuracy = model.evaluate(val).at("accuracy");
  model.save("ants_and_bees.keras");

  // What did not train is as it was, bit for bit.
  std::size_t changed = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (base.get_weights()[i] != before[i]) ++changed;
  }
  std::printf(
      "validation accuracy: %.4f with a new head, %.4f with the last blocks "
      "trained, too; %zu of %zu arrays changed\n",
      of_head,
      accuracy,
      changed,
      before.size());
  const bool good = of_head >= kWantedOfHead && accuracy >= kWanted;
  return good && changed == base.trainable_weights().size() ? 0 : 1;
}
