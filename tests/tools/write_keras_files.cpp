// Writes models with their inputs and predictions, for real Keras to open:
// write_keras_files FOLDER, then keras_opens_ours.py FOLDER (see there).

#include <cstdio>
#include <fstream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <keratin/keratin.hpp>

namespace kt = keratin;
using namespace kt::layers;  // NOLINT

namespace {

kt::Tensor ramp(const kt::Shape& shape, int seed) {
  std::vector<float> values(static_cast<std::size_t>(shape.size()));
  unsigned state = static_cast<unsigned>(seed) * 2654435761U + 1;
  for (float& value : values) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<float>(state >> 8) / 8388608.0F - 1.0F;
  }
  return kt::Tensor(values, shape);
}

/// Rows of one string each.
kt::Config texts_of(const kt::Tensor& tensor) {
  kt::Config rows = kt::Config::array();
  for (const std::string& text : tensor.data<std::string>()) {
    rows.push_back(kt::Config::array({text}));
  }
  return rows;
}

/// NAME.h5, NAME_weights.h5 and NAME.keras2.json: Keras 2's forms, of what
/// Keras 2 had.
void write_keras2(const std::string& stem, const kt::Model& model) {
  try {
    kt::to_keras2_json(model);
  } catch (const kt::InvalidArgument& error) {
    std::printf("not for Keras 2: %s\n", error.what());
    return;
  }
  model.save(stem + ".h5");
  model.save_weights(stem + "_weights.h5");
  std::ofstream(stem + ".keras2.json") << kt::to_keras2_json(model);
}

/// NAME.keras, and NAME.npz with x0, x1, ... and y0, y1, ...; inputs that are
/// strings are in NAME.texts.json.
void write(
    const std::string& folder,
    const std::string& name,
    kt::Model model,
    const std::vector<kt::Tensor>& inputs) {
  std::map<std::string, kt::Tensor> arrays;
  kt::Config texts = kt::Config::object();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::string key = "x" + std::to_string(i);
    if (inputs[i].dtype() == kt::DType::string) {
      texts[key] = texts_of(inputs[i]);
    } else {
      arrays.emplace(key, inputs[i]);
    }
  }
  if (texts.size() > 0) {
    std::ofstream(folder + "/" + name + ".texts.json") << texts.dump();
  }
  const std::vector<kt::Tensor> outputs = model.predict_all(inputs);
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    arrays.emplace("y" + std::to_string(i), outputs[i]);
  }
  if (texts.size() == 0) write_keras2(folder + "/" + name, model);
  model.save(folder + "/" + name + ".keras");
  kt::io::save_npz(folder + "/" + name + ".npz", arrays);
  std::printf("wrote %s\n", name.c_str());
}

const std::vector<std::string> kReviews = {
    "A good film, a GOOD film!", "Bad; très bad", "", "the film the end"};

/// Every kind of layer on strings and categories, adapted.
kt::Model reviews() {
  const kt::Tensor data(kReviews);
  TextVectorization words({.max_tokens = 9, .output_sequence_length = 4});
  words.adapt(data);
  TextVectorization weighed(
      {.ngrams = std::int64_t{2}, .output_mode = "tf_idf"});
  weighed.adapt(data);
  StringLookup lookup({.num_oov_indices = 2, .output_mode = "count"});
  lookup.adapt(kt::Tensor(std::vector<std::string>{"x", "y", "x"}));
  IntegerLookup numbers({.mask_token = 0});
  numbers.adapt(kt::Tensor(std::vector<std::int64_t>{3, 7, 3, -2}));
  Discretization bins({.num_bins = 3, .output_mode = "one_hot"});
  bins.adapt(kt::Tensor(std::vector<float>{0, 1, 2, 3, 4, 5}));
  const Input text({1}, {.dtype = kt::DType::string});
  const Input kind({1}, {.dtype = kt::DType::string});
  const Input count({1}, {.dtype = kt::DType::i64});
  const Input number({1});
  const auto read = GlobalAveragePooling1D()(Embedding(9, 3)(words(text)));
  const auto hashed = Hashing(5, {.salt = {7}, .output_mode = "one_hot"})(kind);
  const auto crossed =
      HashedCrossing(6, {.output_mode = "one_hot"})({kind, count});
  const auto known =
      CategoryEncoding(5, {.output_mode = "one_hot"})(numbers(count));
  const auto joined = Concatenate()(
      {read,
       weighed(text),
       lookup(kind),
       hashed,
       crossed,
       known,
       bins(number)});
  return kt::Model({text, kind, count, number}, {Dense(2)(joined)});
}

std::vector<kt::Tensor> review_inputs() {
  return {
      kt::Tensor(kReviews, {4, 1}),
      kt::Tensor(std::vector<std::string>{"x", "z", "", "y"}, {4, 1}),
      kt::Tensor(std::vector<std::int64_t>{3, 0, 99, -2}, {4, 1}),
      kt::Tensor(std::vector<float>{-1, 1.5F, 2.5F, 9}, {4, 1})};
}

kt::Model cnn() {
  return kt::Sequential(
      {Input({12, 12, 3}),
       ZeroPadding2D(1),
       Conv2D(8, {3, 3}, {.strides = 2, .padding = "same", .use_bias = false}),
       BatchNormalization(),
       ReLU({.max_value = 6.0}),
       DepthwiseConv2D(3, {.padding = "same"}),
       LeakyReLU(),
       MaxPooling2D(2),
       Dropout(0.25),
       Flatten(),
       Dense(5, {.activation = "softmax"})});
}

kt::Model two_ends() {
  const kt::SymbolicTensor a = Input({5}, {.name = "a"});
  const kt::SymbolicTensor b = Input({3}, {.name = "b"});
  const auto h = Dense(4, {.activation = "gelu"})(a);
  const auto joined = Concatenate()({h, b});
  const auto first = Dense(
      2,
      {.kernel_regularizer = "l2",
       .bias_constraint = "non_neg",
       .name = "first"})(joined);
  const auto second = Dense(
      1, {.activation = "sigmoid", .name = "second"})(LayerNormalization()(b));
  return kt::Model({a, b}, {first, second});
}

kt::Model nested() {
  const kt::SymbolicTensor in = Input({4});
  const kt::Model inner(in, Dense(3, {.activation = "tanh"})(in), "inner");
  const kt::SymbolicTensor x = Input({4});
  return kt::Model(x, Dense(2)(Add()({inner(x), inner(Dense(4)(x))})));
}

kt::Model attention() {
  const kt::SymbolicTensor a = Input({5, 8});
  const kt::SymbolicTensor b = Input({7, 6});
  const MultiHeadAttention cross(2, 3, {.value_dim = 4, .use_gate = true});
  const auto h = cross(a, b, {.key = b});
  const GroupQueryAttention grouped(4, 4, 2, {.sliding_window = 3});
  const auto g = grouped(h, a, {.use_causal_mask = true});
  const auto score = Attention({.use_scale = true, .score_mode = "concat"});
  const auto d = score(
      g,
      EinsumDense(
          "abc,cd->abd", {kt::kUnknown, 8}, {.bias_axes = "d", .lora_rank = 2})(
          a));
  const kt::SymbolicTensor out = AdditiveAttention()(d, g);
  return kt::Model({a, b}, std::vector<kt::SymbolicTensor>{out});
}

kt::Model pooled() {
  return kt::Sequential(
      {Input({9, 8, 3}),
       SpectralNormalization(Conv2D(4, 3)),
       BatchNormalization({.renorm = true, .renorm_clipping = {.rmax = 3.0}}),
       AdaptiveAveragePooling2D({3, 2}),
       AdaptiveMaxPooling2D({2, 2}),
       Flatten(),
       Dense(3, {.lora_rank = 1})});
}

/// Layers that hold layers: their weights lie in one list in Keras 2's files.
kt::Model composites() {
  const kt::SymbolicTensor x = Input({4, 3});
  const RNN cells(
      StackedRNNCells({LSTMCell(2), GRUCell(3)}), {.return_sequences = true});
  auto h = Bidirectional(cells)(x);
  h = TimeDistributed(BatchNormalization())(h);
  h = Bidirectional(
      LSTM(2, {.return_sequences = true}), {.merge_mode = "sum"})(h);
  h = SpectralNormalization(Conv1D(3, 2))(h);
  h = MultiHeadAttention(2, 2)(h, h);
  const kt::Model each =
      kt::Sequential({Input({3}), Dense(3), BatchNormalization(), Dense(2)});
  return kt::Model(x, TimeDistributed(each)(h));
}

kt::Model trained(kt::Optimizer optimizer) {
  kt::Sequential model(
      {Input({4}),
       Dense(5, {.activation = "tanh"}),
       BatchNormalization(),
       Dense(3)});
  model.compile(
      {.optimizer = std::move(optimizer), .loss = "mse", .metrics = {"mae"}});
  for (int i = 0; i < 3; ++i) {
    model.train_on_batch(ramp({8, 4}, 10 + i), ramp({8, 3}, 20 + i));
  }
  return model;
}

/// The step that Keras takes next from the file, and what we get for it.
void write_training(
    const std::string& folder, const std::string& name, kt::Model model) {
  model.save(folder + "/" + name + ".h5");
  model.save(folder + "/" + name + ".keras");
  const kt::Tensor x = ramp({8, 4}, 30);
  const kt::Tensor y = ramp({8, 3}, 40);
  model.reset_metrics();
  const double loss = model.train_on_batch(x, y).at("loss");
  std::map<std::string, kt::Tensor> arrays = {
      {"train_x", x}, {"train_y", y}, {"loss", kt::Tensor(loss)}};
  const std::vector<kt::Tensor> weights = model.get_weights();
  for (std::size_t i = 0; i < weights.size(); ++i) {
    arrays.emplace("after" + std::to_string(i), weights[i]);
  }
  kt::io::save_npz(folder + "/" + name + ".npz", arrays);
  std::printf("wrote %s\n", name.c_str());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_keras_files FOLDER\n");
    return 2;
  }
  const std::string folder = argv[1];
  try {
    write(folder, "cnn", cnn(), {ramp({3, 12, 12, 3}, 1)});
    write(folder, "two_ends", two_ends(), {ramp({3, 5}, 2), ramp({3, 3}, 3)});
    write(folder, "nested", nested(), {ramp({3, 4}, 4)});
    write(folder, "reviews", reviews(), review_inputs());
    write(
        folder,
        "attention",
        attention(),
        {ramp({2, 5, 8}, 5), ramp({2, 7, 6}, 6)});
    write(folder, "composites", composites(), {ramp({2, 4, 3}, 8)});
    write(folder, "pooled", pooled(), {ramp({2, 9, 8, 3}, 7)});
    namespace ko = kt::optimizers;
    const std::pair<const char*, kt::Optimizer> optimizers[] = {
        {"adadelta", ko::Adadelta({.learning_rate = 0.5})},
        {"adafactor", ko::Adafactor({.learning_rate = 0.05})},
        {"adagrad", ko::Adagrad({.learning_rate = 0.1})},
        {"adam_amsgrad", ko::Adam({.amsgrad = true, .clipnorm = 0.5})},
        {"adam_averaged", ko::Adam({.use_ema = true, .ema_momentum = 0.9})},
        {"adamax", ko::Adamax({})},
        {"ftrl", ko::Ftrl({.learning_rate = 0.1, .beta = 0.1})},
        {"lamb", ko::Lamb({.learning_rate = 0.01})},
        {"lion", ko::Lion({.learning_rate = 0.01, .weight_decay = 0.1})},
        {"loss_scale", ko::LossScaleOptimizer("adam", {.initial_scale = 64})},
        {"multi",
         ko::MultiOptimizer(
             ko::OptimizerMap("sgd", {{".*kernel", ko::Nadam({})}}))},
        {"muon", ko::Muon({.learning_rate = 0.01})},
        {"nadam", ko::Nadam({})},
        {"schedule_free", ko::ScheduleFreeAdamW({.warmup_steps = 8})},
        {"accumulating", ko::SGD({.gradient_accumulation_steps = 2})},
    };
    for (const auto& [name, optimizer] : optimizers) {
      write_training(folder, name, trained(optimizer));
    }
    write_training(
        folder,
        "sgd",
        trained(kt::optimizers::SGD(
            {.learning_rate = 0.1, .momentum = 0.9, .nesterov = true})));
    write_training(folder, "adam", trained(kt::optimizers::Adam({})));
    write_training(
        folder,
        "adamw",
        trained(kt::optimizers::AdamW({.weight_decay = 0.05})));
    write_training(
        folder,
        "rmsprop",
        trained(kt::optimizers::RMSprop({.momentum = 0.5, .centered = true})));
    write_training(
        folder,
        "schedule",
        trained(kt::optimizers::SGD(
            {.learning_rate = kt::schedules::ExponentialDecay(0.2, 4, 0.7)})));
  } catch (const kt::Error& error) {
    std::fprintf(stderr, "write_keras_files: %s\n", error.what());
    return 1;
  }
  return 0;
}
