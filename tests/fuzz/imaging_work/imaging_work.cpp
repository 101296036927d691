// Any bytes, said again and again in the place where each reader looks: the time to read them is linear in
// their length, and the units charged stay within the file's budget. Repetition turns a reader that is slow
// on a large file into one that is slow here. The first byte says where, the second how long.
#include <array>
#include <string_view>

#include "fuzz.hpp"
#include "imaging/containers/metadata.hpp"
#include "imaging/containers/metadata_verifier.hpp"
#include "imaging/containers/strip.hpp"

namespace photogate::imaging {
namespace {

using namespace std::string_view_literals;
using fuzz::require;

constexpr std::size_t kShort = 8U << 10;
constexpr std::size_t kLong = 256U << 10;

/// What stands before the repeated bytes, so that a reader gets as far as them.
constexpr std::array kFiles = {
    ""sv,
    "\xFF\xD8"sv,
    "\xFF\xD8\xFF\xC0\0\x0B\x08\0\x08\0\x08\x01\x01\x11\0\xFF\xDA\0\x08\x01\x01\0\0\x3F\0"sv,
    "\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR\0\0\0\x08\0\0\0\x08\x08\x02\0\0\0\x4B\x6D\x29\xDC"sv,
    "GIF89a\x08\0\x08\0\0\0\0"sv,
    "RIFF\xF0\xFF\x01\0WEBP"sv,
    "\0\0\0\x14"
    "ftypheic\0\0\0\0heic\0\0\0\0meta\0\0\0\0"sv,
    "II*\0\x08\0\0\0"sv,
};
constexpr std::array kKinds = {CarrierKind::exif, CarrierKind::xmp, CarrierKind::photoshop,
                               CarrierKind::iptc};
constexpr std::array kHeads = {"II*\0\x08\0\0\0"sv, ""sv, ""sv, ""sv};

Bytes repeated(std::string_view head, std::string_view bytes, std::size_t size) {
    Bytes out(head.begin(), head.end());
    out.reserve(head.size() + size + bytes.size());
    while (!bytes.empty() && out.size() < size)
        out.insert(out.end(), bytes.begin(), bytes.end());
    return out;
}

void read(BytesView file, const Inspection& inspection, WorkBudget& budget) {
    (void)to_json(read_metadata(file, inspection, budget), ExifDetail::full, GpsPolicy::report);
}

void run(BytesView bytes) {
    fuzz::Input input(bytes);
    const std::size_t where = input.byte() % (kFiles.size() + kKinds.size());
    const std::size_t size = input.byte() < 0x80 ? kShort : kLong;
    const fuzz::LinearTime time;
    if (where < kFiles.size()) {
        const Bytes file = repeated(kFiles[where], input.rest(), size);
        WorkBudget budget = WorkBudget::for_file(file.size());
        const auto found = inspect(file, Limits{}, budget);
        for (const Format format : kAllFormats) {
            Inspection as = found ? *found : Inspection{};
            as.format = format;
            (void)strip(file, as, budget);
        }
        (void)metadata_remaining(file, budget);
        if (found) read(file, *found, budget);
        require(budget.spent() <= budget.limit(), "the budget is kept");
        time.require_for(file.size());
        return;
    }
    const std::size_t kind = where - kFiles.size();
    const Bytes packet = repeated(kHeads[kind], input.rest(), size);
    Inspection bare;
    bare.carriers.assign(4, {kKinds[kind], {0, packet.size()}, CarrierCoding::plain, {}});
    WorkBudget budget = WorkBudget::for_file(packet.size());
    read(packet, bare, budget);
    require(budget.spent() <= budget.limit(), "the budget is kept");
    time.require_for(4 * packet.size());
}

const fuzz::Target target{"imaging_work", run};

}  // namespace
}  // namespace photogate::imaging
