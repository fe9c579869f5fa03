// The graph of layers, for Graphviz.

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include <keratin/error.hpp>
#include <keratin/files.hpp>

#include "layers/base/symbolic_state.hpp"
#include "models/functional.hpp"
#include "src/core/format.hpp"
#include "src/io/atomic_file.hpp"

extern char** environ;

namespace keratin {

namespace {

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    const auto code = static_cast<unsigned char>(c);
    out += code < 32 ? ' ' : c;
  }
  return out + "\"";
}

/// Inside a label, where braces, bars and angles draw boxes.
std::string label(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (std::string_view("{}|<>\\\" ").find(c) != std::string_view::npos) {
      out += '\\';
    }
    out += static_cast<unsigned char>(c) < 32 ? ' ' : c;
  }
  return out;
}

std::string shapes_of(const std::vector<SymbolicTensor>& tensors) {
  std::string out;
  for (const SymbolicTensor& tensor : tensors) {
    out += (out.empty() ? "" : ", ") + tensor.shape().keras_str();
  }
  return out;
}

class Drawing {
 public:
  explicit Drawing(const PlotOptions& options) : options_(options) {}

  std::string run(const ModelImpl& model) {
    text_ = format(
        "digraph {} {{\n  rankdir={};\n  node [shape=record, "
        "fontname=Helvetica, fontsize=10];\n",
        quoted(model.name()),
        options_.rankdir);
    draw(model, "", "  ");
    return text_ + "}\n";
  }

 private:
  struct Ends {
    std::string first;  // what arrows into the model point at
    std::string last;
  };

  /// One box, or the boxes of a model inside.
  Ends box(
      const LayerImpl& layer,
      const std::string& prefix,
      const std::string& indent) {
    const std::string id = prefix + layer.name();
    const auto* inner = dynamic_cast<const FunctionalImpl*>(&layer);
    if (options_.expand_nested && inner != nullptr && inner->built()) {
      text_ += format(
          "{}subgraph {} {{\n{}  label={};\n",
          indent,
          quoted("cluster_" + id),
          indent,
          quoted(layer.name()));
      const Ends ends = draw(*inner, id + "/", indent + "  ");
      text_ += indent + "}\n";
      return ends;
    }
    std::string content = label(layer.name()) + "|" + label(layer.class_name());
    if (options_.show_dtype)
      content += "|" + label(layer.dtype_policy().name());
    if (options_.show_shapes) content += shapes(layer);
    text_ += format("{}{} [label=\"{{{}}}\"];\n", indent, quoted(id), content);
    return {id, id};
  }

  static std::string shapes(const LayerImpl& layer) {
    for (const auto& weak : layer.call_nodes()) {
      const auto node = weak.lock();
      if (!node) continue;
      std::vector<SymbolicTensor> outputs;
      for (const auto& output : node->outputs) {
        if (auto state = output.lock()) outputs.emplace_back(std::move(state));
      }
      const std::vector<SymbolicTensor> inputs = node->arguments.tensors();
      std::string out = "|{";
      if (!inputs.empty()) {
        out += "input: " + label(shapes_of(inputs)) + "|";
      }
      return out + "output: " + label(shapes_of(outputs)) + "}";
    }
    return "";
  }

  Ends draw(
      const ModelImpl& model,
      const std::string& prefix,
      const std::string& indent) {
    const auto* functional = dynamic_cast<const FunctionalImpl*>(&model);
    std::map<const LayerImpl*, Ends> ends;
    if (functional == nullptr || functional->nodes().empty()) {
      // Layers in order, without arrows that nobody knows.
      Ends all;
      for (const auto& [attribute, layer] : model.sublayers()) {
        all.last = box(layer.impl(), prefix, indent).last;
        if (all.first.empty()) all.first = all.last;
      }
      return all;
    }
    for (const auto& node : functional->nodes()) {
      if (!ends.contains(node->layer.get())) {
        ends[node->layer.get()] = box(*node->layer, prefix, indent);
      }
    }
    std::set<std::pair<std::string, std::string>> drawn;
    for (const auto& node : functional->nodes()) {
      for (const SymbolicTensor& tensor : node->arguments.tensors()) {
        const LayerImpl* source = tensor.state().node->layer.get();
        if (!ends.contains(source)) continue;
        const std::pair arrow(ends[source].last, ends[node->layer.get()].first);
        if (!drawn.insert(arrow).second) continue;
        text_ += format(
            "{}{} -> {};\n", indent, quoted(arrow.first), quoted(arrow.second));
      }
    }
    return {
        ends[functional->inputs()[0].state().node->layer.get()].first,
        ends[functional->outputs()[0].state().node->layer.get()].last};
  }

  const PlotOptions& options_;
  std::string text_;
};

std::string ending_of(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  const std::size_t slash = path.rfind('/');
  if (dot == std::string::npos || (slash != std::string::npos && dot < slash)) {
    return "";
  }
  return path.substr(dot + 1);
}

/// Runs `dot`; -1 when there is none.
int run_dot(
    const std::string& format_name,
    const std::string& in,
    const std::string& out) {
  std::string program = "dot";
  std::string kind = "-T" + format_name;
  std::string output = "-o" + out;
  std::string input = in;
  char* const arguments[] = {
      program.data(), kind.data(), output.data(), input.data(), nullptr};
  pid_t child = 0;
  if (::posix_spawnp(&child, "dot", nullptr, nullptr, arguments, environ) !=
      0) {
    return -1;
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return -1;
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace

std::string model_to_dot(const Model& model, const PlotOptions& options) {
  if (options.rankdir != "TB" && options.rankdir != "LR" &&
      options.rankdir != "BT" && options.rankdir != "RL") {
    throw InvalidArgument(format(
        "[plot] expected rankdir TB, LR, BT or RL, got '{}'", options.rankdir));
  }
  return Drawing(options).run(model.model_impl());
}

bool plot_model(
    const Model& model, const std::string& path, const PlotOptions& options) {
  const std::string ending = ending_of(path);
  const std::string text = model_to_dot(model, options);
  const auto write = [&](const std::string& to) {
    io::write_file(to, io::as_bytes(text));
  };
  if (ending == "dot" || ending == "gv") {
    write(path);
    return true;
  }
  constexpr std::string_view kPictures[] = {
      "svg", "png", "pdf", "jpg", "jpeg", "gif", "eps", "ps"};
  if (std::find(std::begin(kPictures), std::end(kPictures), ending) ==
      std::end(kPictures)) {
    throw InvalidArgument(format(
        "[plot {}] expected a name that ends in .svg, .png, .pdf or .dot, got "
        "'.{}'",
        path,
        ending));
  }
  const std::string source =
      path.substr(0, path.size() - ending.size()) + "dot";
  write(source);
  const int status = run_dot(ending, source, path);
  if (status < 0) return false;
  if (status != 0) {
    throw SystemError(format(
        "[plot {}] dot failed with code {} on {}", path, status, source));
  }
  ::unlink(source.c_str());
  return true;
}

}  // namespace keratin
