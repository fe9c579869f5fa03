#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <keratin/callbacks.hpp>
#include <keratin/model.hpp>

#include "src/experiment/sections.hpp"

/// The parts of a config that are made of layers, losses and the like. Each
/// keeps the JSON it was given beside what it made of it.
namespace keratin::experiment {

class Part : public FieldValue {
 public:
  bool given() const { return !config_.is_null(); }

  Config to_config() const override { return config_; }

  void from_config(const Config& config, const std::string& where) override;

 protected:
  /// `config` is not null.
  virtual void make(const Config& config, const std::string& where) = 0;
  virtual void clear() = 0;

 private:
  Config config_;
};

/// A list of layers in the short form, Keras's JSON, or the name of a file.
class ModelPart final : public Part {
 public:
  /// None when the config names a file.
  const std::optional<Model>& model() const { return model_; }

  /// The file the model is in; empty when there is none.
  const std::string& file() const { return file_; }

  Config schema() const override;

 protected:
  void make(const Config& config, const std::string& where) override;
  void clear() override;

 private:
  std::optional<Model> model_;
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
  Nested<OutputSection> output;

  std::string class_name() const override { return "the config"; }

  void fields(FieldVisitor& visit) override;
  void check(const std::string& where) const override;
};

}  // namespace keratin::experiment
