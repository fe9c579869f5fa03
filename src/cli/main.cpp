// The keratin program: arguments, errors and exit codes. What it does is the
// library's; only public headers are used.

#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <new>
#include <string>

#include <keratin/backend.hpp>
#include <keratin/error.hpp>
#include <keratin/info.hpp>
#include <keratin/threads.hpp>

#include "src/cli/commands.hpp"

namespace keratin::cli {

namespace {

struct GlobalOptions {
  int verbose = 0;
  std::string backend;
  std::string device;
  int threads = 0;
};

void add_global_options(CLI::App& app, GlobalOptions& options) {
  app.add_flag(
         "-v,--verbose",
         options.verbose,
         "Log what is done; twice: every log channel")
      ->group("Options for every command");
  app.add_option(
         "--backend", options.backend, "What computes: cpu, reference, ...")
      ->type_name("NAME")
      ->group("Options for every command");
  app.add_option("--device", options.device, "The backend's device")
      ->type_name("NAME")
      ->group("Options for every command");
  app.add_option(
         "--threads",
         options.threads,
         "Threads that compute (default: the physical cores)")
      ->type_name("N")
      ->check(CLI::Range(1, 4096))
      ->group("Options for every command");
}

void apply(const GlobalOptions& options) {
  // The library reads its settings from the environment; no thread is there
  // yet to read it at the same time.
  if (options.verbose > 0) {
    ::setenv(
        "KERATIN_LOG",
        options.verbose > 1 ? "all" : "info,data,files,train",
        0);
  }
  if (!options.backend.empty()) {
    ::setenv("KERATIN_BACKEND", options.backend.c_str(), 1);
    ::unsetenv("KERATIN_DEVICE");
  }
  if (!options.device.empty()) {
    if (options.backend.empty()) ::unsetenv("KERATIN_BACKEND");
    ::setenv("KERATIN_DEVICE", options.device.c_str(), 1);
  }
  if (!options.backend.empty() || !options.device.empty()) {
    backend_name();  // refuses what is not there before any work
  }
  if (options.threads > 0) set_num_threads(options.threads);
}

/// Starts the program anew with threads that wait for work for a quarter of a
/// millisecond before they sleep; returns where that is decided already, or
/// cannot be. GNU's OpenMP lets them spin for several otherwise, which takes
/// the processor from those that they wait for where others run, too; it reads
/// its settings when it is loaded, before main.
void wait_briefly(char** argv) {
  constexpr const char* kRounds = "GOMP_SPINCOUNT";
  if (std::getenv(kRounds) != nullptr ||
      std::getenv("OMP_WAIT_POLICY") != nullptr) {
    return;
  }
  ::setenv(kRounds, "10000", 1);
  ::execv("/proc/self/exe", argv);
}

/// `code`, unless what was printed did not arrive: a full disk is a failure.
int finish(int code) {
  errno = 0;
  std::cout.flush();
  if (std::cout || code != 0) return code;
  // Of an earlier failure nobody has kept the reason: ask again.
  if (errno == 0 && ::write(STDOUT_FILENO, "\n", 1) == 1) errno = 0;
  const int error = errno;
  std::cerr << "keratin: error: [standard output] cannot be written"
            << (error != 0 ? std::string(": ") + std::strerror(error) : "")
            << "\n";
  return kFailure;
}

int fail(const char* what, int code) {
  std::cout.flush();
  std::cerr << "keratin: error: " << what << "\n";
  return code;
}

/// The first word, when it reads like a command and is none.
std::string unknown_command(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return "";
  for (const CLI::App* command :
       app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name() == argv[1]) return "";
  }
  return argv[1];
}

int run(int argc, char** argv) {
  CLI::App app(
      "Trains neural networks the Keras way: from a JSON config, into Keras's "
      "files.",
      "keratin");
  app.set_version_flag(
      "--version", [] { return "keratin " + version(); }, "Print the version");
  app.require_subcommand(1);
  app.fallthrough();
  app.get_formatter()->column_width(34);
  app.footer(
      "Try: keratin train examples/digits.json\n"
      "     keratin COMMAND --help\n");
  GlobalOptions options;
  add_global_options(app, options);
  Action action;
  add_train(app, action);
  add_evaluate(app, action);
  add_predict(app, action);
  add_data(app, action);
  add_summary(app, action);
  add_inspect(app, action);
  add_convert(app, action);
  add_plot(app, action);
  add_list(app, action);
  add_schema(app, action);
  add_bench(app, action);
  add_info(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help
    if (const std::string name = unknown_command(app, argc, argv);
        !name.empty()) {
      std::cerr << "keratin: error: no command is called '" << name
                << "'; see keratin --help\n";
      return kUsage;
    }
    std::cerr << "keratin: error: " << error.what() << "; see keratin "
              << (app.get_subcommands().empty()
                      ? ""
                      : app.get_subcommands()[0]->get_name() + " ")
              << "--help\n";
    return kUsage;
  }
  for (const char* command :
       {"train", "evaluate", "predict", "data", "bench"}) {
    if (app.got_subcommand(command)) wait_briefly(argv);
  }
  apply(options);
  return action();
}

}  // namespace

}  // namespace keratin::cli

int main(int argc, char** argv) {
  using keratin::cli::fail;
  try {
    return keratin::cli::finish(keratin::cli::run(argc, argv));
  } catch (const keratin::InvalidArgument& error) {
    return fail(error.what(), keratin::cli::kUsage);
  } catch (const std::bad_alloc&) {
    return fail("out of memory", keratin::cli::kFailure);
  } catch (const std::exception& error) {
    return fail(error.what(), keratin::cli::kFailure);
  }
}
