// keras_conformance [DIR...] [--models] [--backend B] [--dtype D] [--filter F]
//
// Compares Keratin with what real Keras computed. A case is a file; its folder
// says of what kind. Prints a line per case that fails and ends with
// "N passed, N failed, N skipped". A case is skipped only when it needs a class
// that does not exist here.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <regex>

#include <keratin/backend.hpp>
#include <keratin/dtype_policy.hpp>
#include <keratin/error.hpp>
#include <keratin/layer.hpp>

#include "tests/conformance/harness.hpp"

namespace conformance {

namespace {

using keratin::Config;
using keratin::io::Hdf5File;
using Runner = void (*)(const Case&, const Settings&, Comparison&);

struct Options {
  std::vector<fs::path> folders;
  std::string backend;
  std::string dtype = "float32";
  std::string filter;
  bool verbose = false;
  bool models = false;
};

[[noreturn]] void usage(const std::string& problem) {
  if (!problem.empty()) {
    std::fprintf(stderr, "keras_conformance: error: %s\n", problem.c_str());
  }
  std::fprintf(
      problem.empty() ? stdout : stderr,
      "usage: keras_conformance [DIR...] [--models] [--backend B] "
      "[--dtype D] [--filter F] [--verbose]\n"
      "  DIR        a folder of cases or of folders of cases\n"
      "             (default: KERATIN_CONFORMANCE)\n"
      "  --models   the folder \"models\" under KERATIN_DATA\n"
      "  --backend  cpu, reference, ... (default: the best there is)\n"
      "  --dtype    float32 or float64 (default: float32)\n"
      "  --filter   a part of the names \"kind/name\" of the cases to run\n"
      "  --verbose  a line per case that passes, too\n");
  std::exit(problem.empty() ? 0 : 2);
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 >= argc) usage(argument + " needs a value");
      return argv[++i];
    };
    if (argument == "--backend") {
      options.backend = value();
    } else if (argument == "--dtype") {
      options.dtype = value();
    } else if (argument == "--filter") {
      options.filter = value();
    } else if (argument == "--models") {
      options.models = true;
    } else if (argument == "--verbose") {
      options.verbose = true;
    } else if (argument == "--help") {
      usage("");
    } else if (argument.starts_with("-")) {
      usage("unknown option " + argument);
    } else {
      options.folders.emplace_back(argument);
    }
  }
  if (options.dtype != "float32" && options.dtype != "float64") {
    usage("expected --dtype float32 or float64, got " + options.dtype);
  }
  return options;
}

const std::map<std::string, Runner>& runners() {
  static const std::map<std::string, Runner> table = {
      {"fit", run_fit_case},
      {"losses", run_loss_case},
      {"models", run_model_case},
      {"recorded", run_recorded_case},
      {"metrics", run_metric_case},
      {"optimizers", run_optimizer_case},
      {"resume", run_resume_case},
      {"schedules", run_schedule_case},
      {"text", run_text_case},
      {"zoo", run_zoo_case},
  };
  return table;
}

/// Files of older Keras with what Keras computed from them lie in a folder with
/// others, which are no cases.
bool model_case_of(const fs::path& path, const fs::path& top, Case& test) {
  const std::string file = fs::relative(path, top).string();
  test.path = path;
  for (const auto& [ending, kind] :
       {std::pair{".h5.predict.h5", "models"},
        std::pair{"_inputs_and_outputs.h5", "recorded"}}) {
    if (!file.ends_with(ending)) continue;
    test.kind = kind;
    test.name = file.substr(0, file.size() - std::string(ending).size());
    if (test.kind == "recorded")
      test.name = fs::path(test.name).filename().string();
    return test.kind == "models" ||
           fs::exists(path.parent_path() / (test.name + "_model.h5"));
  }
  return false;
}

bool has_model_cases(const fs::path& folder) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().string().ends_with(".h5.predict.h5")) return true;
  }
  return false;
}

/// The case a file is the golden part of, if it is one.
bool case_of(const fs::path& path, Case& test) {
  const std::string file = path.filename().string();
  test.path = path;
  test.kind = path.parent_path().filename().string();
  for (const char* const ending : {".golden.h5", ".h5", ".json"}) {
    if (!file.ends_with(ending)) continue;
    test.name = file.substr(0, file.size() - std::string(ending).size());
    return true;
  }
  return false;
}

std::vector<Case> find_cases(const Options& options) {
  std::vector<Case> cases;
  for (const fs::path& folder : options.folders) {
    const bool models = has_model_cases(folder);
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      Case test;
      if (!entry.is_regular_file()) continue;
      const bool found = models ? model_case_of(entry.path(), folder, test)
                                : case_of(entry.path(), test);
      if (!found) continue;
      if (test.title().find(options.filter) == std::string::npos) continue;
      cases.push_back(std::move(test));
    }
  }
  std::sort(cases.begin(), cases.end(), [](const Case& a, const Case& b) {
    return a.title() < b.title();
  });
  return cases;
}

/// What the library says when a class that a file names does not exist.
std::string missing_class(const std::string& message) {
  static const std::regex pattern("no ([a-z ]+) is called ['\"]([^'\"]+)['\"]");
  std::smatch match;
  if (!std::regex_search(message, match, pattern)) return "";
  return match[1].str() + " " + match[2].str();
}

/// Cases that are labelled float64 but which Keras computes in float32 inside:
/// tf.image.resize takes and yields float32 for all but "nearest", RandomHue
/// casts its images, and CTC casts its logits. Agreeing to 1e-10 would mean
/// repeating TensorFlow's roundings: they are compared as float32 is.
bool float32_inside(const Case& test) {
  if (test.kind == "losses") return test.name.starts_with("ctc");
  if (test.kind == "augment") return test.name == "fixed_hue";
  if (test.kind == "preprocess") {
    return test.name.starts_with("resizing_") &&
           test.name != "resizing_nearest";
  }
  return test.kind == "reshape" && test.name.starts_with("up2d_") &&
         test.name != "up2d_nearest";
}

struct Totals {
  int passed = 0;
  int failed = 0;
  int float32_only = 0;
  std::map<std::string, int> skipped;  // by what is missing
};

class Run {
 public:
  Run(const Options& options, const Settings& settings)
      : options_(options), settings_(settings) {}

  void run(const Case& test) {
    if (settings_.dtype == keratin::DType::f64 && test.kind != "text" &&
        (test.kind == "models" || test.kind == "recorded" ||
         text_attr(Hdf5File(test.path.string()), "precision") != "float64")) {
      ++totals_.float32_only;
      return;
    }
    const auto found = runners().find(test.kind);
    const Runner runner =
        found == runners().end() ? run_layer_case : found->second;
    keratin::clear_session();
    Comparison result;
    Settings settings = settings_;
    settings.float32_inside = float32_inside(test);
    try {
      runner(test, settings, result);
    } catch (const keratin::InvalidArgument& error) {
      const std::string missing = missing_class(error.what());
      if (!missing.empty()) {
        skip(test, missing);
        return;
      }
      result.fail("threw", error.what());
    } catch (const std::exception& error) {
      result.fail("threw", error.what());
    }
    if (result.passed()) {
      ++totals_.passed;
      if (options_.verbose) {
        std::printf(
            "ok    %s: %s\n", test.title().c_str(), result.summary().c_str());
      }
      return;
    }
    ++totals_.failed;
    std::printf(
        "FAIL  %s %s\n", test.title().c_str(), result.summary().c_str());
    std::fflush(stdout);
  }

  int finish() const {
    int skipped = 0;
    for (const auto& [missing, count] : totals_.skipped) {
      std::printf("SKIPPED: no %s yet (%d)\n", missing.c_str(), count);
      skipped += count;
    }
    if (totals_.float32_only > 0) {
      std::printf(
          "%d cases are marked float32 and not run in float64\n",
          totals_.float32_only);
    }
    std::printf(
        "%d passed, %d failed, %d skipped\n",
        totals_.passed,
        totals_.failed,
        skipped);
    return totals_.failed > 0 ? 1 : 0;
  }

 private:
  void skip(const Case& test, const std::string& missing) {
    ++totals_.skipped[missing];
    if (options_.verbose) {
      std::printf("skip  %s: no %s\n", test.title().c_str(), missing.c_str());
    }
  }

  const Options& options_;
  const Settings& settings_;
  Totals totals_;
};

/// An environment variable, or what stands for it when it is unset or empty.
const char* setting_or(const char* name, const char* fallback) {
  const char* const value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : fallback;
}

int run_all(Options options) {
  if (options.models || options.folders.empty()) {
    const char* const name =
        options.models ? "KERATIN_DATA" : "KERATIN_CONFORMANCE";
    const fs::path folder =
        options.models
            ? fs::path(setting_or(name, KERATIN_TEST_DATA)) / "models"
            : fs::path(setting_or(name, KERATIN_TEST_CONFORMANCE));
    if (!fs::is_directory(folder)) {
      std::printf(
          "SKIPPED: no conformance cases in %s (%s)\n", folder.c_str(), name);
      return 77;
    }
    options.folders.push_back(folder);
  }
  for (const fs::path& folder : options.folders) {
    if (!fs::is_directory(folder)) usage("no folder " + folder.string());
  }
  Settings settings;
  settings.dtype = keratin::parse_dtype(options.dtype);
  try {
    if (!options.backend.empty()) keratin::set_backend(options.backend);
  } catch (const keratin::Error& error) {
    usage(error.what());
  }
  keratin::set_floatx(settings.dtype);
  keratin::set_dtype_policy(options.dtype);
  const std::vector<Case> cases = find_cases(options);
  if (cases.empty()) usage("no case matches");
  Run run(options, settings);
  for (const Case& test : cases) run.run(test);
  return run.finish();
}

}  // namespace

}  // namespace conformance

int main(int argc, char** argv) {
  return conformance::run_all(conformance::parse(argc, argv));
}
