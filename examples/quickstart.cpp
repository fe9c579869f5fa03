// The handwritten digits of MNIST in twelve lines. Reads the data set from the
// folder that KERATIN_DATA names, or fetches it once.

#include <keratin/keratin.hpp>

namespace kt = keratin;
using namespace kt::layers;  // NOLINT: reads like Keras

int main() {
  auto [train, test] = kt::datasets::mnist();
  kt::Sequential model({
      Input({28, 28}),
      Rescaling(1.0 / 255),
      Flatten(),
      Dense(128, {.activation = "relu"}),
      Dropout(0.2),
      Dense(10, {.activation = "softmax"}),
  });
  model.compile(
      {.optimizer = "adam",
       .loss = "sparse_categorical_crossentropy",
       .metrics = {"accuracy"}});
  model.fit(train.x, train.y, {.batch_size = 128, .epochs = 2});
  model.evaluate(test.x, test.y);
  model.save("quickstart.keras");
}
