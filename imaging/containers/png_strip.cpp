#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "imaging/containers/icc.hpp"
#include "imaging/containers/inflate.hpp"
#include "imaging/containers/strippers.hpp"

namespace photogate::imaging {

namespace {

using namespace std::string_view_literals;

constexpr std::string_view kSignature = "\x89PNG\r\n\x1A\n"sv;
constexpr std::size_t kMaxProfile = 1U << 20;

/// Chunks that stay. A length other than 0 is the only one that the standard allows; anything else could hide
/// something.
struct Kept {
    std::string_view type;
    std::uint32_t length = 0;
};
constexpr std::array kKept = {
    Kept{"IHDR", 13}, Kept{"PLTE"},    Kept{"IDAT"},     Kept{"acTL", 8}, Kept{"fcTL", 26}, Kept{"fdAT"},
    Kept{"tRNS"},     Kept{"gAMA", 4}, Kept{"cHRM", 32}, Kept{"sRGB", 1}, Kept{"cICP", 4},  Kept{"mDCV", 24},
    Kept{"cLLI", 8},  Kept{"pHYs", 9}, Kept{"sBIT"},     Kept{"bKGD"},
};

void put_u32(Bytes& out, std::uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8)
        out.push_back(static_cast<std::uint8_t>(value >> shift));
}

void put_chunk(Bytes& out, std::string_view type, BytesView body) {
    put_u32(out, static_cast<std::uint32_t>(body.size()));
    const std::size_t start = out.size();
    append(out, as_bytes(type));
    append(out, body);
    put_u32(out, crc32(BytesView(out).subspan(start)));
}

class PngStrip {
  public:
    PngStrip(BytesView file, WorkBudget& budget) : reader_(file), budget_(budget) {}

    Stripped run() {
        reader_.skip(kSignature.size());
        append(out_, as_bytes(kSignature));
        while (true) {
            const std::uint32_t length = reader_.u32();
            const std::string_view type = reader_.text(4);
            const BytesView body = reader_.take(length);
            reader_.skip(4);
            if (!reader_.ok())
                return cannot_strip(RejectionCode::truncated, "The file ends before the end of the picture.");
            if (!budget_.charge(kEntryWork + 2 * body.size()))
                return cannot_strip(RejectionCode::corrupt, kTooMuchWork);
            if (type == "IEND") break;
            take(type, body);
        }
        put_chunk(out_, "IEND", {});
        return std::move(out_);
    }

  private:
    void take(std::string_view type, BytesView body) {
        if (type == "iCCP") {
            profile(body);
            return;
        }
        const auto it =
            std::find_if(kKept.begin(), kKept.end(), [&](const Kept& kept) { return kept.type == type; });
        if (it == kKept.end() || (it->length != 0 && it->length != body.size())) return;
        if ((type == "sBIT" || type == "bKGD") && body.size() > 6) return;
        if (type == "tRNS" && body.size() > 256) return;
        if (type == "IHDR" && body.size() > 9)
            colour_ = (body[9] & 2U) != 0 ? ColourModel::rgb : ColourModel::grey;
        put_chunk(out_, type, body);
    }

    /// The name and what follows the deflated profile could say anything: both are made anew.
    void profile(BytesView body) {
        const auto name_end = std::find(body.begin(), body.end(), std::uint8_t{0});
        const std::size_t start = static_cast<std::size_t>(name_end - body.begin()) + 2;
        if (start >= body.size() || has_profile_) return;
        has_profile_ = true;  // only the first counts
        const std::optional<Bytes> plain = inflate(body.subspan(start), kMaxProfile);
        if (!plain || !is_sane_icc(*plain, colour_)) return;
        Bytes fresh = {'i', 'c', 'c', 0, 0};
        append(fresh, deflate(*plain));
        put_chunk(out_, "iCCP", fresh);
    }

    ByteReader reader_;
    WorkBudget& budget_;
    Bytes out_;
    ColourModel colour_ = ColourModel::other;
    bool has_profile_ = false;
};

}  // namespace

Stripped strip_png(BytesView file, WorkBudget& budget) {
    if (!starts_with(file, kSignature)) return cannot_strip(RejectionCode::corrupt, "Not a PNG.");
    return PngStrip(file, budget).run();
}

}  // namespace photogate::imaging
