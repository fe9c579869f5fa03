// compare_numbers EXPECTED TOLERANCE FLOOR PROGRAM ARGUMENT: runs the program
// and compares the numbers it prints ("name = value") with a file of the same
// form. A number agrees when it differs by no more than the tolerance times its
// size, which is FLOOR at least.

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

namespace {

using Numbers = std::map<std::string, double>;

Numbers parse(std::istream& in) {
  Numbers numbers;
  for (std::string line; std::getline(in, line);) {
    const std::size_t at = line.find(" = ");
    if (at == std::string::npos) continue;
    numbers[line.substr(0, at)] = std::strtod(line.c_str() + at + 3, nullptr);
  }
  return numbers;
}

std::string output_of(const std::string& command, int& status) {
  std::string text;
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) {
    status = -1;
    return text;
  }
  char buffer[4096];
  while (const std::size_t n = std::fread(buffer, 1, sizeof buffer, pipe)) {
    text.append(buffer, n);
  }
  status = pclose(pipe);
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    std::cerr << "usage: compare_numbers EXPECTED TOLERANCE FLOOR PROGRAM "
                 "ARGUMENT\n";
    return 2;
  }
  std::ifstream file(argv[1]);
  const Numbers expected = parse(file);
  const double tolerance = std::strtod(argv[2], nullptr);
  int status = 0;
  std::istringstream output(
      output_of('"' + std::string(argv[4]) + "\" " + argv[5], status));
  const Numbers printed = parse(output);
  int failures = 0;
  if (status != 0) {
    std::cout << argv[4] << " ended with status " << status << '\n';
    ++failures;
  }
  if (expected.empty() || printed.size() != expected.size()) {
    std::cout << "expected " << expected.size() << " numbers, got "
              << printed.size() << '\n';
    ++failures;
  }
  const double floor = std::strtod(argv[3], nullptr);
  double worst = 0;
  for (const auto& [name, want] : expected) {
    const auto found = printed.find(name);
    if (found == printed.end()) {
      std::cout << name << " is missing\n";
      ++failures;
      continue;
    }
    const double scale = std::max(floor, std::abs(want));
    const double error = std::abs(found->second - want);
    worst = std::max(worst, scale == 0 ? error : error / scale);
    if (error <= tolerance * scale) continue;
    std::cout.precision(17);
    std::cout << name << ": expected " << want << ", got " << found->second
              << '\n';
    ++failures;
  }
  std::cout << printed.size() << " numbers, largest error " << worst << '\n';
  return failures == 0 ? 0 : 1;
}
