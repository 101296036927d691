// Runs every kept input once through its target, without a fuzzer, so that no target goes stale.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <ostream>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "fuzz.hpp"

namespace photogate::fuzz {

/// The output of a failed test.
void PrintTo(const Target& target, std::ostream* out) {
    *out << target.name;
}

namespace {

namespace fs = std::filesystem;

const fs::path kFolder = fs::path{PHOTOGATE_SOURCE_DIR} / "tests" / "fuzz";

Bytes read_file(const fs::path& path) {
    std::ifstream in{path, std::ios::binary};
    EXPECT_TRUE(in) << path;
    return {std::istreambuf_iterator<char>{in}, {}};
}

/// The target's own folder, and those of tests/data that its line in CMakeLists.txt names.
std::vector<fs::path> inputs_of(std::string_view target) {
    std::vector<fs::path> folders{kFolder / target / "corpus"};
    std::ifstream lent{fs::path{PHOTOGATE_FUZZ_SEEDS} / target};
    for (std::string line; std::getline(lent, line);) {
        if (!line.empty()) folders.emplace_back(line);
    }
    std::vector<fs::path> inputs;
    for (const auto& folder : folders) {
        for (const auto& entry : fs::directory_iterator{folder}) {
            if (entry.is_regular_file()) inputs.push_back(entry.path());
        }
    }
    std::sort(inputs.begin(), inputs.end());
    return inputs;
}

class Corpora : public testing::TestWithParam<Target> {};

TEST_P(Corpora, holds_promises_for_every_kept_input) {
    const auto inputs = inputs_of(GetParam().name);
    ASSERT_FALSE(inputs.empty());
    GetParam().run({});
    for (const auto& path : inputs) {
        const auto bytes = read_file(path);
        EXPECT_NO_THROW(GetParam().run(bytes)) << path;
    }
}

TEST(Targets, has_a_target_for_every_folder) {
    std::set<std::string> folders, targets;
    for (const auto& entry : fs::directory_iterator{kFolder}) {
        if (entry.is_directory()) folders.insert(entry.path().filename());
    }
    for (const auto& target : all())
        targets.emplace(target.name);
    EXPECT_EQ(folders, targets);
}

INSTANTIATE_TEST_SUITE_P(Target, Corpora, testing::ValuesIn(all()),
                         [](const auto& target) { return std::string{target.param.name}; });

}  // namespace
}  // namespace photogate::fuzz
