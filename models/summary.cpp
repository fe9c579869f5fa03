// Keras's table of layers.

#include <algorithm>
#include <string>
#include <unordered_map>
#include <vector>

#include <keratin/model.hpp>

#include "layers/base/symbolic_state.hpp"
#include "models/functional.hpp"
#include "src/core/format.hpp"

namespace keratin {

namespace {

struct Row {
  std::vector<std::string> cells;
  bool rule_below = true;
};

/// 1234567 -> "1,234,567".
std::string grouped(std::int64_t number) {
  std::string digits = format("{}", number);
  for (auto at = static_cast<std::int64_t>(digits.size()) - 3; at > 0;
       at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

/// Keras's readable_memory_size.
std::string size_text(std::int64_t bytes) {
  static constexpr const char* kUnits[] = {"B", "KB", "MB", "GB", "TB", "PB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value / 1024 >= 1 && unit + 1 < std::size(kUnits)) {
    value /= 1024;
    ++unit;
  }
  return format("{:.2f} {}", value, kUnits[unit]);
}

std::string count_line(
    const char* what, const std::vector<Variable>& variables) {
  std::int64_t count = 0;
  std::int64_t bytes = 0;
  for (const Variable& variable : variables) {
    count += variable.shape().size();
    bytes += variable.shape().size() *
             static_cast<std::int64_t>(size_of(variable.dtype()));
  }
  return format(" {}: {} ({})\n", what, grouped(count), size_text(bytes));
}

/// Characters, not bytes: names may be UTF-8.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
      }));
}

std::string repeat(const char* text, std::size_t count) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

class Table {
 public:
  explicit Table(std::vector<std::string> header)
      : header_(std::move(header)) {}

  void add(std::vector<std::string> cells) {
    rows_.push_back(std::move(cells));
  }

  std::string str(std::size_t minimum) const {
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < header_.size(); ++i) {
      std::size_t width = width_of(header_[i]);
      for (const auto& row : rows_) {
        width = std::max(width, width_of(row[i]));
      }
      widths.push_back(width);
    }
    std::size_t total = 1;
    for (const std::size_t width : widths) total += width + 3;
    if (total < minimum) widths[0] += minimum - total;
    std::string out = rule(widths, "┏", "━", "┳", "┓");
    out += line(widths, header_, "┃");
    out += rule(widths, "┡", "━", "╇", "┩");
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      if (i > 0) out += rule(widths, "├", "─", "┼", "┤");
      out += line(widths, rows_[i], "│");
    }
    return out + rule(widths, "└", "─", "┴", "┘");
  }

 private:
  static std::string rule(
      const std::vector<std::size_t>& widths,
      const char* left,
      const char* dash,
      const char* cross,
      const char* right) {
    std::string out = left;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      if (i > 0) out += cross;
      out += repeat(dash, widths[i] + 2);
    }
    return out + right + "\n";
  }

  static std::string line(
      const std::vector<std::size_t>& widths,
      const std::vector<std::string>& cells,
      const char* bar) {
    std::string out = bar;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string space(widths[i] - width_of(cells[i]), ' ');
      // Numbers stand to the right, as in Keras.
      const bool right = i == 2;
      out += " " + (right ? space + cells[i] : cells[i] + space) + " " + bar;
    }
    return out + "\n";
  }

  std::vector<std::string> header_;
  std::vector<std::vector<std::string>> rows_;
};

/// The shape of a layer's result in this model.
std::string output_text(const FunctionalImpl* graph, const LayerImpl& layer) {
  if (graph != nullptr) {
    for (const auto& node : graph->nodes()) {
      if (node->layer.get() != &layer) continue;
      std::string out;
      for (const auto& weak : node->outputs) {
        const auto state = weak.lock();
        if (!state) continue;
        out += (out.empty() ? "" : ", ") + state->shape.keras_str();
      }
      return node->outputs.size() > 1 ? "[" + out + "]" : out;
    }
  }
  return "?";
}

std::string connected_text(
    const FunctionalImpl& graph, const LayerImpl& layer) {
  std::string out;
  for (const auto& node : graph.nodes()) {
    if (node->layer.get() != &layer) continue;
    for (const SymbolicTensor& input : node->arguments.tensors()) {
      const SymbolicState& state = input.state();
      std::int64_t call = 0;
      for (const auto& weak : state.node->layer->call_nodes()) {
        const auto other = weak.lock();
        if (other == state.node) break;
        if (other) ++call;
      }
      out += format(
          "{}{}[{}][{}]",
          out.empty() ? "" : ", ",
          state.node->layer->name(),
          call,
          state.index);
    }
  }
  return out.empty() ? "-" : out;
}

/// A stack needs no column that says what comes from where.
bool is_stack(const ModelImpl& model, const FunctionalImpl* graph) {
  if (model.class_name() == "Sequential" || graph == nullptr) return true;
  std::unordered_map<const SymbolicState*, int> users;
  for (const auto& node : graph->nodes()) {
    const auto inputs = node->arguments.tensors();
    if (inputs.size() > 1 || node->outputs.size() > 1) return false;
    for (const SymbolicTensor& input : inputs) {
      if (++users[&input.state()] > 1) return false;
    }
  }
  return true;
}

std::string params_text(const LayerImpl& layer) {
  std::int64_t count = 0;
  for (const Variable& variable : layer.weights()) {
    count += variable.shape().size();
  }
  if (!layer.built()) return "0 (unbuilt)";
  return grouped(count);
}

void add_rows(
    Table& table,
    const ModelImpl& model,
    const SummaryOptions& options,
    bool connections,
    const std::string& indent) {
  const auto* graph = dynamic_cast<const FunctionalImpl*>(&model);
  if (graph != nullptr && graph->nodes().empty()) graph = nullptr;
  std::vector<Layer> layers = model.layers();
  if (graph != nullptr && indent.empty()) {
    // As in Keras, the outermost model shows its operations too.
    layers.clear();
    for (const auto& [name, layer] : model.sublayers()) layers.push_back(layer);
  }
  for (const Layer& layer : layers) {
    std::vector<std::string> cells = {
        format("{}{} ({})", indent, layer.name(), layer.class_name()),
        output_text(graph, layer.impl()),
        params_text(layer.impl())};
    if (connections) {
      cells.push_back(
          graph == nullptr ? "-" : connected_text(*graph, layer.impl()));
    }
    if (options.show_trainable) {
      const bool has = !layer.weights().empty();
      cells.emplace_back(!has ? "-" : layer.trainable() ? "Y" : "N");
    }
    table.add(std::move(cells));
    const auto* inner = dynamic_cast<const ModelImpl*>(&layer.impl());
    if (options.expand_nested && inner != nullptr) {
      add_rows(table, *inner, options, connections, indent + "    └ ");
    }
  }
}

}  // namespace

std::string Model::summary(const SummaryOptions& options) const {
  const ModelImpl& model = model_impl();
  const auto* graph = dynamic_cast<const FunctionalImpl*>(&model);
  const bool connections = !is_stack(model, graph);
  std::vector<std::string> header = {"Layer (type)", "Output Shape", "Param #"};
  if (connections) header.emplace_back("Connected to");
  if (options.show_trainable) header.emplace_back("Trainable");
  Table table(std::move(header));
  add_rows(table, model, options, connections, "");
  constexpr std::int64_t kDefaultWidth = 74;
  std::string out = format("Model: \"{}\"\n", model.name());
  out += table.str(
      static_cast<std::size_t>(options.line_length.value_or(kDefaultWidth)));
  std::vector<Variable> all = model.weights();
  std::vector<Variable> optimizer;
  if (model.compiled() && model.compile_arguments().optimizer.impl().built()) {
    optimizer = model.compile_arguments().optimizer.impl().variables();
  }
  all.insert(all.end(), optimizer.begin(), optimizer.end());
  out += count_line("Total params", all);
  out += count_line("Trainable params", model.trainable_weights());
  out += count_line("Non-trainable params", model.non_trainable_weights());
  if (!optimizer.empty()) out += count_line("Optimizer params", optimizer);
  return out;
}

}  // namespace keratin
