// Any bytes as a colour profile, as they are and with a header that leads to the tags, grown by repetition: what is
// rebuilt is rebuilt to the same bytes, holds nothing private as the independent reader sees it, is not much larger
// than what it is made of, and the time is linear.
#include <algorithm>
#include <string_view>

#include "fuzz.hpp"
#include "imaging/containers/metadata_verifier.hpp"
#include "imaging/parts/icc_rebuild.hpp"

namespace photogate::imaging {
namespace {

using namespace std::string_view_literals;
using fuzz::require;

constexpr std::size_t kHeader = 128;
constexpr std::size_t kLong = 256U << 10;
/// Of the fixed description, copyright and header, and of a table of tags.
constexpr std::size_t kFixed = 1'024;

void append(Bytes& out, std::string_view text) {
    out.insert(out.end(), text.begin(), text.end());
}

/// A WebP is the simplest frame: the profile as it is.
Bytes framed(BytesView profile) {
    Bytes file;
    append(file, "RIFF\0\0\0\0WEBPICCP"sv);
    for (std::size_t i = 0; i < 4; ++i)
        file.push_back(static_cast<std::uint8_t>(profile.size() >> (8 * i)));
    file.insert(file.end(), profile.begin(), profile.end());
    if (profile.size() % 2 != 0) file.push_back(0);
    for (std::size_t i = 0; i < 4; ++i)
        file[4 + i] = static_cast<std::uint8_t>((file.size() - 8) >> (8 * i));
    return file;
}

void judge(BytesView profile) {
    const fuzz::LinearTime time;
    const auto rebuilt = rebuild_icc(profile);
    time.require_for(profile.size());
    if (!rebuilt) return;
    require(rebuilt->size() <= 4 * profile.size() + kFixed, "a profile does not grow much");
    require(rebuild_icc(*rebuilt) == rebuilt, "what was rebuilt stays as it is");
    const auto remaining = metadata_remaining(framed(*rebuilt));
    require(std::find(remaining.begin(), remaining.end(), "icc") == remaining.end(),
            "a rebuilt profile holds what conversion needs and nothing else");
}

/// The same tags, reached: version, class and spaces are known ones, the size is right, and bytes follow.
Bytes reachable(BytesView bytes) {
    Bytes out(bytes.begin(), bytes.end());
    out.resize(std::max(out.size(), kHeader + 4));
    const BytesView values = BytesView(out).subspan(kHeader);
    const Bytes again(values.begin(), values.end());
    while (out.size() < kLong)
        out.insert(out.end(), again.begin(), again.end());
    for (std::size_t i = 0; i < 4; ++i)
        out[i] = static_cast<std::uint8_t>(out.size() >> (24 - 8 * i));
    out[8] = static_cast<std::uint8_t>(2 + out[8] % 3);
    const auto put = [&](std::size_t at, std::string_view text) {
        std::copy(text.begin(), text.end(), out.begin() + static_cast<std::ptrdiff_t>(at));
    };
    put(12, "mntr");
    put(20, "XYZ ");
    return out;
}

void run(BytesView bytes) {
    judge(bytes);
    judge(reachable(bytes));
}

const fuzz::Target target{"icc_profile", run};

}  // namespace
}  // namespace photogate::imaging
