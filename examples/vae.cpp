// A variational autoencoder on the digits: a model with a training step of its
// own. Prints the loss of the first and the last epoch.

#include <cstdio>
#include <vector>

#include <keratin/keratin.hpp>

namespace kt = keratin;
namespace ops = keratin::ops;
using namespace kt::layers;  // NOLINT

namespace {

constexpr std::int64_t kPixels = 64;
constexpr std::int64_t kLatent = 4;

class Vae final : public kt::ModelImpl {
 public:
  Vae()
      : hidden_(Dense(32, {.activation = "relu"})),
        mean_(Dense(kLatent)),
        log_variance_(Dense(kLatent)),
        decoder_(kt::Sequential(
            {Input({kLatent}),
             Dense(32, {.activation = "relu"}),
             Dense(kPixels, {.activation = "sigmoid"})})),
        noise_(add_seed_generator()) {
    add_sublayer("hidden", hidden_);
    add_sublayer("mean", mean_);
    add_sublayer("log_variance", log_variance_);
    add_sublayer("decoder", decoder_);
  }

  std::string class_name() const override { return "Vae"; }

  // Images [batch, 64] in [0, 1] to their reconstructions.
  kt::Value call(kt::CallContext& ctx, const kt::Value& x) override {
    return decoder_(ctx, mean_(ctx, hidden_(ctx, x)));
  }

  void train_step(kt::StepContext& ctx, const kt::StepData& data) override {
    const kt::Value& x = data.x[0];
    const kt::Value h = hidden_(ctx, x);
    const kt::Value mean = mean_(ctx, h);
    const kt::Value log_variance = log_variance_(ctx, h);
    const kt::Value epsilon =
        ops::random_normal(ctx.next_random_state(noise_), mean.shape());
    const kt::Value z = mean + ops::exp(log_variance * 0.5) * epsilon;
    const kt::Value y = decoder_(ctx, z);

    const kt::Value reconstruction =
        ops::mean(ops::sum(ops::square(y - x), {1}));
    const kt::Value divergence = ops::mean(ops::sum(
        (ops::exp(log_variance) + ops::square(mean) - log_variance - 1.0) * 0.5,
        {1}));
    const kt::Value loss = reconstruction + divergence * 0.1;
    const auto weights = trainable_weights();
    optimizer().impl().apply(ctx, ctx.gradients(loss, weights), weights);
    ctx.track("loss", loss);
    ctx.track("reconstruction", reconstruction);
  }

 private:
  kt::Layer hidden_;
  kt::Layer mean_;
  kt::Layer log_variance_;
  kt::Layer decoder_;
  kt::Variable noise_;
};

}  // namespace

int main() {
  kt::set_random_seed(0);
  const kt::Tensor images = kt::datasets::digits().x;
  const kt::Tensor x =
      ops::reshape(images, {images.shape()[0], kPixels}) / 16.0;
  kt::Model vae = kt::make_model<Vae>();
  vae.compile({.optimizer = kt::optimizers::Adam({.learning_rate = 3e-3})});
  const kt::History history =
      vae.fit(x, {}, {.batch_size = 64, .epochs = 20, .verbose = 0});
  std::printf("loss of the first epoch: %.3f\n", history["loss"].front());
  std::printf("loss of the last epoch:  %.3f\n", history["loss"].back());
  return history["loss"].back() < 0.7 * history["loss"].front() ? 0 : 1;
}
