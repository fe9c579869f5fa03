// Wisconsin breast cancer, five stratified folds: logistic regression and a
// small network. Reads a CSV file with a column "diagnosis" (M or B) when one
// is given, else the table that comes with the library. Prints the accuracy of
// each fold; fails when the average of a model is below 0.965.

#include <cstdio>
#include <functional>
#include <vector>

#include <keratin/keratin.hpp>

namespace kt = keratin;
using namespace kt::layers;  // NOLINT: reads like Keras

namespace {

constexpr double kWanted = 0.965;

kt::Sequential logistic_regression() {
  return kt::Sequential({
      Input({30}),
      Dense(
          1,
          {.activation = "sigmoid",
           .kernel_regularizer = kt::regularizers::L2(1e-3)}),
  });
}

kt::Sequential small_network() {
  return kt::Sequential({
      Input({30}),
      Dense(16, {.activation = "relu"}),
      Dropout(0.3),
      Dense(1, {.activation = "sigmoid"}),
  });
}

kt::data::Examples read_examples(const char* path) {
  if (path == nullptr) {
    auto table = kt::datasets::breast_cancer();
    return {table.x, table.y};
  }
  const kt::io::Table table = kt::io::read_csv(path);
  std::vector<std::string> features;
  for (const std::string& column : table.columns()) {
    const bool counts = column != "id" && column != "diagnosis" &&
                        !column.empty() && table.is_numeric(column);
    if (counts && features.size() < 30) features.push_back(column);
  }
  return {table.numeric(features), table.labels("diagnosis", {"M", "B"})};
}

double cross_validate(
    const kt::data::Examples& all,
    const std::function<kt::Sequential()>& make_model) {
  double sum = 0;
  const auto folds = kt::data::stratified_k_fold(
      all.y, {.n_splits = 5, .shuffle = true, .seed = 1});
  for (const kt::data::Fold& fold : folds) {
    kt::data::StandardScaler scaler;
    const kt::Tensor x = scaler.fit_transform(all.x.take(fold.train));
    const kt::Tensor test_x = scaler.transform(all.x.take(fold.test));
    kt::Sequential model = make_model();
    model.compile(
        {.optimizer = kt::optimizers::Adam({.learning_rate = 0.01}),
         .loss = "binary_crossentropy",
         .metrics = {"accuracy"}});
    model.fit(
        x,
        all.y.take(fold.train),
        {.batch_size = 32, .epochs = 30, .verbose = 0});
    const kt::Logs logs =
        model.evaluate(test_x, all.y.take(fold.test), {.verbose = 0});
    std::printf("  %.4f", logs.at("accuracy"));
    sum += logs.at("accuracy");
  }
  const double mean = sum / static_cast<double>(folds.size());
  std::printf("   average %.4f\n", mean);
  return mean;
}

/// Whether both models are good enough.
bool compare_models(const kt::data::Examples& all) {
  std::printf("logistic regression:");
  const double simple = cross_validate(all, logistic_regression);
  std::printf("small network:      ");
  const double network = cross_validate(all, small_network);
  return simple >= kWanted && network >= kWanted;
}

}  // namespace

int main(int argc, char** argv) {
  kt::set_random_seed(1);
  try {
    return compare_models(read_examples(argc > 1 ? argv[1] : nullptr)) ? 0 : 1;
  } catch (const kt::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
