#include <algorithm>
#include <array>
#include <optional>
#include <string_view>

#include "imaging/containers/icc.hpp"
#include "imaging/containers/strippers.hpp"
#include "imaging/parts/icc_elements.hpp"
#include "imaging/parts/inflate.hpp"

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
            // An IEND that is missing is made up for, where there are pixels: inspect() knows whether they are all.
            if (!reader_.ok() && has_pixels_) break;
            if (!reader_.ok())
                return cannot_strip(RejectionCode::truncated, "the file ends before the end of the picture");
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
        if (type == "IHDR") {
            colour_type_ = body[9];
            colour_ = (body[9] & 2U) != 0 ? ColourModel::rgb : ColourModel::grey;
        }
        if (type == "PLTE") {
            if (colour_type_ != 3) return;  // only suggested, for screens of few colours
            palette_ = body.size() / 3;
        }
        if (type == "IDAT") has_pixels_ = true;
        if (it->length == 0 && !drawn(type, body.size())) return;
        put_chunk(out_, type, body);
    }

    /// Whether the chunk has the length that the picture's kind of colour gives it (PNG 3rd edition, 11.3).
    bool drawn(std::string_view type, std::size_t size) const {
        const bool grey = colour_type_ == 0 || colour_type_ == 4;
        if (type == "tRNS") return colour_type_ == 3 ? size <= palette_ : size == (grey ? 2U : 6U);
        if (type == "bKGD") return size == (colour_type_ == 3 ? 1U : grey ? 2U : 6U);
        const std::size_t samples = colour_type_ == 3 ? 3U : (grey ? 1U : 3U) + (colour_type_ >= 4 ? 1U : 0U);
        return type != "sBIT" || size == samples;
    }

    /// The name and what follows the deflated profile could say anything: both are made anew.
    void profile(BytesView body) {
        const auto name_end = std::find(body.begin(), body.end(), std::uint8_t{0});
        const std::size_t start = static_cast<std::size_t>(name_end - body.begin()) + 2;
        if (start >= body.size() || has_profile_) return;
        has_profile_ = true;  // only the first counts
        const std::optional<Bytes> plain = inflate(body.subspan(start), kMaxProfile);
        const Bytes clean = plain ? publishable_icc(*plain, colour_) : Bytes{};
        if (clean.empty()) return;
        Bytes fresh = {'i', 'c', 'c', 0, 0};
        append(fresh, deflate(clean));
        put_chunk(out_, "iCCP", fresh);
    }

    ByteReader reader_;
    WorkBudget& budget_;
    Bytes out_;
    ColourModel colour_ = ColourModel::other;
    std::size_t palette_ = 0;  ///< colours
    std::uint8_t colour_type_ = 0;
    bool has_profile_ = false;
    bool has_pixels_ = false;
};

}  // namespace

Stripped strip_png(BytesView file, WorkBudget& budget) {
    if (!starts_with(file, kSignature)) return cannot_strip(RejectionCode::corrupt, "not a PNG");
    return PngStrip(file, budget).run();
}

}  // namespace photogate::imaging
