// A fuzz target: a function that takes any bytes, and the properties that hold for all of them.
//
//     void run(BytesView bytes) {
//         if (const auto head = parse_head(as_text(bytes)))
//             require(is_token(…), "a header's name is a token");
//     }
//     const fuzz::Target target{"request_head", run};
//
// One file, one target. libfuzzer.cpp feeds it bytes of libFuzzer's making, corpora_test.cpp the kept ones.
//
// Thread safety: one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "base/encoding.hpp"

namespace photogate::fuzz {

/// A violated property. It is not caught under libFuzzer, so the program ends where it was thrown.
class Broken final : public std::logic_error {
  public:
    using std::logic_error::logic_error;
};

/// `promise` is a sentence that was to be true.
inline void require(bool holds, const char* promise) {
    if (!holds) throw Broken{promise};
}

/// That the time since its making is linear in what was read: processor time of this thread, so that a busy
/// machine breaks no promise. The bound is generous, for sanitizers.
class LinearTime {
  public:
    LinearTime();
    void require_for(std::size_t bytes) const;

  private:
    double start_;
};

struct Target {
    using Run = void (*)(BytesView);
    /// Joins all(). `name` is that of the folder.
    Target(std::string_view name, Run run);
    std::string_view name;
    Run run;
};

/// Those linked into this program: one under libFuzzer, every one in the replay of the corpora.
const std::vector<Target>& all();

/// Splits the bytes, for targets that need more than one value. Missing parts are empty or zero.
class Input {
  public:
    explicit Input(BytesView bytes) : left_(as_text(bytes)) {}
    bool empty() const { return left_.empty(); }
    std::uint8_t byte();
    /// Up to the next line feed, which is consumed too.
    std::string_view line();
    std::string_view rest() const { return left_; }

  private:
    std::string_view left_;
};

/// `a` and `b` of `a=b`; b is empty without a `separator`.
struct Pair {
    std::string_view first;
    std::string_view second;
};
Pair split(std::string_view text, char separator);

}  // namespace photogate::fuzz
