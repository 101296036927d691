// What reading one file may cost, counted in units that do not depend on the machine's speed.
//
// A unit is a byte that is examined, copied, inflated or compared; an entry of a list (a chunk, a box, a
// directory entry, a strip) costs kEntryWork more. Every walker, metadata reader, stripper and verifier
// charges the file's budget before it does the work, so that bytes which are referred to a thousand times are
// paid for a thousand times. The limit grows with the file: a constant for small files, then a multiple of
// the size. A sound photo uses about a tenth of it.
//
// What happens at the limit is the caller's choice: inspect() and strip() refuse the file as corrupt,
// read_metadata() leaves out the rest, metadata_remaining() calls the rest unreadable.
//
// Thread safety: a value of one thread.
#pragma once

#include <cstdint>

namespace photogate::imaging {

inline constexpr std::uint64_t kEntryWork = 16;

class WorkBudget {
  public:
    static constexpr std::uint64_t kBase = 32ULL << 20;
    static constexpr std::uint64_t kPerByte = 32;

    explicit WorkBudget(std::uint64_t limit) : limit_(limit) {}
    static WorkBudget for_file(std::uint64_t bytes) { return WorkBudget(kBase + kPerByte * bytes); }

    /// False where the limit is passed, and from then on: the work must not be done.
    [[nodiscard]] bool charge(std::uint64_t units) {
        if (units > limit_ - spent_) {
            spent_ = limit_;
            exhausted_ = true;
        } else {
            spent_ += units;
        }
        return !exhausted_;
    }
    bool exhausted() const { return exhausted_; }
    std::uint64_t spent() const { return spent_; }
    std::uint64_t limit() const { return limit_; }

  private:
    std::uint64_t limit_;
    std::uint64_t spent_ = 0;
    bool exhausted_ = false;
};

/// The sentence of a rejection as `corrupt`.
inline constexpr const char* kTooMuchWork = "reading the file takes more work than its size allows";

}  // namespace photogate::imaging
