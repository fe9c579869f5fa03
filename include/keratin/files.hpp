#pragma once

#include <string>

#include <keratin/config.hpp>
#include <keratin/export.hpp>
#include <keratin/model.hpp>

/// What can be done with model files besides loading and saving.
namespace keratin {

/// What a file is, whether or not a model can be made of it: any file of Keras
/// 1 to 3, with classes that do not exist here, too. An object with
///
///   kind         "a Keras 3 model", "weights of Keras 2", ...
///   written_by   "Keras 2.3.1 (tensorflow)", null where the file says nothing
///   size_bytes   of the file
///   layers       [{"name", "class_name", "known", "shape", "weights"}]
///   arrays       [{"path", "dtype", "shape"}]
///   parameters   numbers in those arrays
///   checks       [{"check", "ok", "message"}]: what loading it meets
///
/// Throws InvalidArgument for a file that holds no model, saying what it is.
KERATIN_API Config inspect_file(const std::string& path);

/// Reads a model, or an architecture, and writes it in the form that the name
/// says: ".keras", ".h5" (Keras 2), ".weights.h5", ".json" (Keras 3) and
/// ".keras2.json". Weights alone keep what they are weights of to themselves:
/// converting them takes the model, too. Throws as load_model and save.
KERATIN_API void convert_file(
    const std::string& from,
    const std::string& to,
    const std::string& model_of_weights = {});

/// model.to_json() of Keras 2. Throws InvalidArgument naming what Keras 2 did
/// not have.
KERATIN_API std::string to_keras2_json(const Model& model, int indent = -1);

struct PlotOptions {
  bool show_shapes = true;
  bool show_dtype = false;
  bool expand_nested = false;
  std::string rankdir = "TB";  // top to bottom; "LR": left to right
};

/// The graph of layers as a text for Graphviz, as Keras's model_to_dot draws
/// it.
KERATIN_API std::string model_to_dot(
    const Model& model, const PlotOptions& options = {});

/// The same as a picture, by the ending of the name, drawn by Graphviz's `dot`;
/// ".dot" and ".gv" need no Graphviz. Returns false, having written the text
/// beside it under ".dot", when there is no Graphviz.
KERATIN_API bool plot_model(
    const Model& model,
    const std::string& path,
    const PlotOptions& options = {});

}  // namespace keratin
