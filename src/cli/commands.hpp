#pragma once

#include <CLI/CLI.hpp>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <keratin/model.hpp>

/// The commands of the program. Each function adds one to the application and
/// puts what it does into `run`, which yields the exit code.
namespace keratin::cli {

using Action = std::function<int()>;

inline constexpr int kFailure = 1;
inline constexpr int kUsage = 2;     // of the command line or of a config
inline constexpr int kSignal = 128;  // plus its number, as shells report it

void add_train(CLI::App& app, Action& run);
void add_evaluate(CLI::App& app, Action& run);
void add_predict(CLI::App& app, Action& run);
void add_data(CLI::App& app, Action& run);
void add_summary(CLI::App& app, Action& run);
void add_info(CLI::App& app, Action& run);
void add_schema(CLI::App& app, Action& run);
void add_list(CLI::App& app, Action& run);
void add_convert(CLI::App& app, Action& run);
void add_inspect(CLI::App& app, Action& run);
void add_bench(CLI::App& app, Action& run);
void add_plot(CLI::App& app, Action& run);

/// The model of a file of any kind, of Keras's JSON or of a training config.
Model model_of_file(const std::string& path);

}  // namespace keratin::cli
