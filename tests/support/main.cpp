#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <iostream>
#include <set>
#include <string>

#include "tests/support/skip.hpp"

namespace {

constexpr int kSkipCode = 77;

std::string current_case;
std::set<std::string> skipped_cases;
unsigned cases_run = 0;

// Knows which case runs, so that a skip can be laid at its door.
struct CaseWatcher final : doctest::IReporter {
  explicit CaseWatcher(const doctest::ContextOptions&) {}

  void report_query(const doctest::QueryData&) override {}

  void test_run_start() override {}

  void test_run_end(const doctest::TestRunStats& stats) override {
    cases_run = stats.numTestCasesPassingFilters;
  }

  void test_case_start(const doctest::TestCaseData& in) override {
    current_case = std::string(in.m_file.c_str()) + ":" + in.m_name;
  }

  void test_case_reenter(const doctest::TestCaseData&) override {}

  void test_case_end(const doctest::CurrentTestCaseStats&) override {}

  void test_case_exception(const doctest::TestCaseException&) override {}

  void subcase_start(const doctest::SubcaseSignature&) override {}

  void subcase_end() override {}

  void log_assert(const doctest::AssertData&) override {}

  void log_message(const doctest::MessageData&) override {}

  void test_case_skipped(const doctest::TestCaseData&) override {}
};

DOCTEST_REGISTER_LISTENER("case watcher", 1, CaseWatcher);

}  // namespace

void keratin::testing::note_skip(const std::string& reason) {
  skipped_cases.insert(current_case);
  std::cout << "SKIPPED: " << reason << std::endl;
}

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  const int failed = context.run();
  if (failed != 0) {
    // CTest shows the command only in its own log.
    std::cout << "reproduce with:";
    for (int i = 0; i < argc; ++i) std::cout << " '" << argv[i] << "'";
    std::cout << std::endl;
  }
  if (failed != 0 || context.shouldExit()) return failed;
  if (cases_run == 0) {
    std::cout << "no test case matches the filters" << std::endl;
    return 1;
  }
  return skipped_cases.size() == cases_run ? kSkipCode : 0;
}
