// The C++ and JSON that README and the guides show: every piece compiles, the
// README's program is the example that another test runs, its config is taken.

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <array>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include <keratin/experiment.hpp>

#include "tests/support/files.hpp"
#include "tests/support/paths.hpp"

namespace fs = std::filesystem;
using keratin::testing::read_file;
using keratin::testing::source_dir;

namespace {

struct Snippet {
  std::string text;
  int line = 0;  // of its first line
};

/// What stands between ```language and ```.
std::vector<Snippet> snippets_of(
    const fs::path& page, const std::string& language) {
  std::vector<Snippet> found;
  std::istringstream lines(read_file(page));
  bool inside = false;
  int number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (inside && line == "```") {
      inside = false;
    } else if (inside) {
      found.back().text += line + "\n";
    } else if (line == "```" + language) {
      inside = true;
      found.push_back({"", number + 1});
    }
  }
  return found;
}

/// Lines that may stand in no function.
bool is_file_scope(const std::string& line) {
  return line.starts_with("#include") || line.starts_with("using namespace") ||
         (line.starts_with("namespace ") && line.ends_with(";"));
}

/// A snippet as a program's part: a whole program in a namespace, a member
/// function in a class, statements in a function.
std::string wrapped(const Snippet& snippet, const std::string& page) {
  std::string top;
  std::string body;
  std::istringstream lines(snippet.text);
  for (std::string line; std::getline(lines, line);) {
    (is_file_scope(line) ? top : body) += line;
    body += '\n';  // lines keep their numbers
    if (is_file_scope(line)) top += '\n';
  }
  const std::string name = "snippet_" + std::to_string(snippet.line);
  const std::string place =
      "#line " + std::to_string(snippet.line) + " \"" + page + "\"\n";
  if (body.find("int main(") != std::string::npos) {
    return top + "namespace " + name + " {\n" + place + body + "}\n";
  }
  if (body.find(" override {") != std::string::npos) {
    return top + "class " + name + " : SnippetLayer {\n" + place + body +
           "};\n";
  }
  return top + "void " + name + "() {\n" + place + body + "}\n";
}

/// What the compiler says; empty when it takes the text.
std::string compiler_errors(const std::string& text) {
  const keratin::testing::TempDir folder;
  const fs::path file = folder / "snippets.cpp";
  keratin::testing::write_file(file, text);
  const std::string root = source_dir().string();
  const std::string command = std::string("'") + KERATIN_COMPILER +
                              "' -std=c++20 -fsyntax-only -w -I '" + root +
                              "/include' -I '" + root + "' '" + file.string() +
                              "' 2>&1";
  std::FILE* const pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::string said;
  std::array<char, 4096> buffer{};
  while (std::fgets(buffer.data(), buffer.size(), pipe) != nullptr) {
    said += buffer.data();
  }
  const int status = pclose(pipe);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return "";
  return said.empty() ? "the compiler failed without a word" : said;
}

std::vector<fs::path> pages() {
  std::vector<fs::path> all = {source_dir() / "README.md"};
  for (const auto& entry : fs::directory_iterator(source_dir() / "docs")) {
    if (entry.path().extension() == ".md") all.push_back(entry.path());
  }
  return all;
}

/// A program without comments, white space and commas before a brace.
std::string essence(const std::string& program) {
  std::string out;
  std::istringstream lines(program);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t comment = line.find("//");
    for (const char c : line.substr(0, comment)) {
      if (std::isspace(static_cast<unsigned char>(c)) != 0) continue;
      if (c == '}' && out.ends_with(',')) out.pop_back();
      out += c;
    }
  }
  return out;
}

}  // namespace

TEST_CASE("Every piece of C++ in README and docs compiles") {
  std::size_t count = 0;
  for (const fs::path& page : pages()) {
    std::string program = "#include \"tests/docs/context.hpp\"\n";
    const std::vector<Snippet> snippets = snippets_of(page, "cpp");
    if (snippets.empty()) continue;
    for (const Snippet& snippet : snippets) {
      program += wrapped(snippet, page.filename().string());
    }
    count += snippets.size();
    CAPTURE(page.string());
    CHECK(compiler_errors(program) == "");
  }
  CHECK(count >= 19);
}

TEST_CASE("A piece of C++ that is wrong is seen") {
  const Snippet wrong{"model.fit(x, y, {.no_such_argument = 1});\n", 7};
  const std::string errors = compiler_errors(
      "#include \"tests/docs/context.hpp\"\n" + wrapped(wrong, "page.md"));
  CAPTURE(errors);
  CHECK(errors.find("page.md:7:") != std::string::npos);
}

TEST_CASE("The README's program is the example that is run") {
  const auto snippets = snippets_of(source_dir() / "README.md", "cpp");
  REQUIRE(snippets.size() == 1);
  CHECK(
      essence(snippets[0].text) ==
      essence(read_file(source_dir() / "examples/quickstart.cpp")));
}

TEST_CASE("The configs of README and docs are taken") {
  int count = 0;
  for (const fs::path& page : pages()) {
    for (const Snippet& snippet : snippets_of(page, "json")) {
      // Others show parts of a config.
      if (!snippet.text.starts_with("{\n")) continue;
      CAPTURE(page.string());
      CHECK_NOTHROW(keratin::Experiment(keratin::Config::parse(snippet.text)));
      ++count;
    }
  }
  CHECK(count >= 1);
}
