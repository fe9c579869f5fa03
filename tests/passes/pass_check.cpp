#include "tests/passes/pass_check.hpp"

#include <algorithm>

#include "src/ir/text.hpp"
#include "src/ir/verifier.hpp"
#include "src/passes/pass.hpp"

namespace keratin::testing {

Graph graph_of(const std::string& statements) {
  return parse_graph("graph {\n" + statements + "\n}");
}

std::string after_pass(
    const PassFunction& pass, const std::string& statements) {
  const Graph result = pass(graph_of(statements));
  verify(result, "test");
  return print(eliminate_dead(result));
}

std::string as_it_is(const std::string& statements) {
  return after_pass([](const Graph& graph) { return graph; }, statements);
}

std::string parameters(const std::string& types) {
  std::string text;
  std::size_t begin = 0;
  for (int i = 0; begin < types.size(); ++i) {
    const std::size_t end = std::min(types.find(", ", begin), types.size());
    const std::string number = std::to_string(i);
    text += "%" + number + " = parameter(\"p" + number +
            "\") : " + types.substr(begin, end - begin) + "\n";
    begin = end + 2;
  }
  return text;
}

}  // namespace keratin::testing
