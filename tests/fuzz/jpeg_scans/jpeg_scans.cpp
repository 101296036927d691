// Any bytes behind the start of a JPEG, and behind tables and a frame from which scans can be read, repeated: the
// ranges are in the file and in order, what stands behind the last code changes nothing, and the time is linear in
// the bytes and in the units charged. The first byte says where, the second how long.
#include "imaging/parts/jpeg_scans.hpp"

#include <array>
#include <string_view>

#include "fuzz.hpp"

namespace photogate::imaging {
namespace {

using namespace std::string_view_literals;
using fuzz::require;

constexpr std::size_t kLong = 256U << 10;

// Two DC codes; of AC the end of a block, a run of at least 16,384 such ends, a coefficient, sixteen zeros.
#define PHOTOGATE_TABLES                               \
    "\xFF\xD8\xFF\xC4\0\x2A"                           \
    "\x00\x01\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x00\x03" \
    "\x10\x01\x01\x01\x01\0\0\0\0\0\0\0\0\0\0\0\0\x00\xE0\x01\xF0"
constexpr std::array kHeads = {
    "\xFF\xD8"sv,
    PHOTOGATE_TABLES "\xFF\xC0\0\x0B\x08\x04\0\x04\0\x01\x01\x11\0"sv,
    PHOTOGATE_TABLES "\xFF\xC2\0\x0B\x08\x04\0\x04\0\x01\x01\x11\0"sv,
};
#undef PHOTOGATE_TABLES

void run(BytesView bytes) {
    fuzz::Input input(bytes);
    const std::size_t where = input.byte() % kHeads.size();
    const bool repeat = input.byte() >= 0x80;
    Bytes file(kHeads[where].begin(), kHeads[where].end());
    do {
        file.insert(file.end(), input.rest().begin(), input.rest().end());
    } while (repeat && !input.rest().empty() && file.size() < kLong);

    // Without the constant that small files have, so that each unit has to be little time.
    WorkBudget budget((1U << 20) + WorkBudget::kPerByte * file.size());
    const fuzz::LinearTime time;
    const JpegScans scans = read_jpeg_scans(file, budget);
    time.require_for(file.size());
    require(budget.spent() <= budget.limit(), "the budget is kept");
    std::uint64_t end = 0;
    for (const ByteRange& range : scans.data) {
        require(range.offset >= end && range.offset + range.size <= file.size(),
                "scans are in the file, one behind the other");
        end = range.offset + range.size;
    }
    if (!scans.data.empty()) (void)runs_into_trailer(file, scans);
    if (!scans.complete) return;
    WorkBudget second((1U << 20) + WorkBudget::kPerByte * file.size());
    const JpegScans cut = read_jpeg_scans(BytesView(file).first(scans.end()), second);
    require(cut.complete && cut.end() == scans.end(), "what stands behind the last code changes nothing");
}

const fuzz::Target target{"jpeg_scans", run};

}  // namespace
}  // namespace photogate::imaging
