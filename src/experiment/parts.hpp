#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <keratin/callbacks.hpp>
#include <keratin/model.hpp>

#include "src/experiment/part.hpp"
#include "src/experiment/phases.hpp"
#include "src/experiment/sections.hpp"
#include "src/experiment/stack.hpp"

/// The parts of a config that are made of layers, losses and the like.
namespace keratin::experiment {

/// Layers or an architecture in the short form, Keras's JSON, or the name of a
/// file.
class ModelPart final : public Part {
 public:
  /// What paths of weights are relative to; before the config is read.
  void set_folder(std::string folder) { folder_ = std::move(folder); }

  /// The model, without the weights of its architectures; none when the config
  /// names a file.
  const Model& described() const { return described_.model; }

  /// The model with its pretrained weights. REQUIRES: the config names no file.
  Model load();

  /// The file the model is in; empty when there is none.
  const std::string& file() const { return file_; }

  Config schema() const override;

 protected:
  void make(const Config& config, const std::string& where) override;
  void clear() override;

 private:
  std::string folder_ = ".";
  Described described_;
  std::string file_;
};

/// The model of a file: ".keras", or JSON. `where` for errors.
Model model_from_file(const std::string& path, const std::string& where);

class CompilePart final : public Part {
 public:
  const CompileArguments& arguments() const { return arguments_; }

  Config schema() const override;

 protected:
  void make(const Config& config, const std::string& where) override;
  void clear() override;

 private:
  CompileArguments arguments_;
};

class CallbacksPart final : public Part {
 public:
  const std::vector<std::shared_ptr<Callback>>& callbacks() const {
    return callbacks_;
  }

  Config schema() const override;

 protected:
  void make(const Config& config, const std::string& where) override;
  void clear() override;

 private:
  std::vector<std::shared_ptr<Callback>> callbacks_;
};

/// The whole config.
struct Root final : Section {
  std::optional<std::string> schema;  // "$schema", for editors
  std::optional<std::int64_t> seed;
  Nested<DataSection> data;
  ModelPart model;
  CompilePart compile;
  Nested<FitSection> fit;
  CallbacksPart callbacks;
  PhasesPart phases;
  Nested<OutputSection> output;

  std::string class_name() const override { return "the config"; }

  void fields(FieldVisitor& visit) override;
  void check(const std::string& where) const override;
};

}  // namespace keratin::experiment
