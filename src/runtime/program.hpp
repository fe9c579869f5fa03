#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "src/runtime/backend.hpp"

namespace keratin {

/// The thing that serialises the programs of one model: they share a workspace
/// and variables, so one runs at a time.
struct ProgramGroup {
  std::mutex mutex;
  std::shared_ptr<Workspace> workspace;  // made by the first program
};

/// A graph ready to run: optimised, compiled, its variables uploaded when
/// their host copy is newer. Safe to run from several threads (they take
/// turns).
class Program {
 public:
  /// Optimises for `backend` and compiles. The programs of a group are of one
  /// backend. KERATIN_CHECK_NAN=1 counts as options.check_nan.
  Program(
      const Graph& graph,
      Backend& backend,
      std::shared_ptr<ProgramGroup> group = nullptr,
      CompileOptions options = {});

  /// REQUIRES: one input per parameter; throws InvalidArgument naming the
  /// parameter whose type is another. With check_nan, a step that throws leaves
  /// the variables as they were.
  void run(std::span<const Tensor> inputs, std::vector<Tensor>& outputs);
  std::vector<Tensor> run(std::span<const Tensor> inputs);

  const ExecutableStats& stats() const { return stats_; }

 private:
  struct Input {
    std::string name;
    ValueType type;
  };

  /// What hoist_fixed left: run before the rest when a variable has changed.
  struct Prologue {
    std::unique_ptr<Executable> executable;
    std::vector<Variable> sources;
    std::vector<std::uint64_t> versions;  // of the sources, when last looked
    std::vector<Variable> results;
    bool current = false;  // the results are those of the sources
  };

  void compile_prologue(const Graph& graph, const CompileOptions& options);
  void run_prologue();
  void check_inputs(std::span<const Tensor> inputs) const;
  void run_checked(
      std::span<const Tensor> inputs, std::vector<Tensor>& outputs);

  std::string name_;
  Backend& backend_;
  bool check_nan_ = false;
  std::shared_ptr<ProgramGroup> group_;
  std::vector<Input> inputs_;
  std::vector<Variable> variables_;  // read or assigned
  std::vector<Variable> assigned_;
  Prologue prologue_;
  std::unique_ptr<Executable> executable_;
  ExecutableStats stats_;
};

}  // namespace keratin
