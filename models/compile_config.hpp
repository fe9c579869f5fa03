#pragma once

#include <string>

#include <keratin/model.hpp>

namespace keratin {

/// Keras's compile_config; an empty object when the model is not compiled.
Config compile_config(const ModelImpl& model);

/// The arguments that a compile_config (or the `compile` part of a training
/// config) describes. Throws InvalidArgument with the path of what is wrong.
CompileArguments compile_arguments(
    const Config& config, const std::string& where);

/// Compiles as a compile_config says. Throws as compile_arguments.
inline void compile_from_config(Model& model, const Config& config) {
  model.compile(compile_arguments(config, "compile_config"));
}

}  // namespace keratin
