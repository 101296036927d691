#include "imaging/picture.hpp"

#include <algorithm>
#include <array>

namespace photogate::imaging {
namespace {

constexpr std::array kAllCodes = {RejectionCode::empty,
                                  RejectionCode::too_large,
                                  RejectionCode::not_an_image,
                                  RejectionCode::unsupported_format,
                                  RejectionCode::mime_mismatch,
                                  RejectionCode::too_many_pixels,
                                  RejectionCode::too_many_frames,
                                  RejectionCode::too_many_scans,
                                  RejectionCode::metadata_too_large,
                                  RejectionCode::corrupt,
                                  RejectionCode::truncated,
                                  RejectionCode::timeout,
                                  RejectionCode::decoder_crashed};

}  // namespace

std::string_view to_string(DamagedIntervals choice) {
    return choice == DamagedIntervals::refuse ? "refuse" : "publish";
}

std::string_view to_string(RejectionCode code) {
    switch (code) {
        case RejectionCode::empty:
            return "empty";
        case RejectionCode::too_large:
            return "too_large";
        case RejectionCode::not_an_image:
            return "not_an_image";
        case RejectionCode::unsupported_format:
            return "unsupported_format";
        case RejectionCode::mime_mismatch:
            return "mime_mismatch";
        case RejectionCode::too_many_pixels:
            return "too_many_pixels";
        case RejectionCode::too_many_frames:
            return "too_many_frames";
        case RejectionCode::too_many_scans:
            return "too_many_scans";
        case RejectionCode::metadata_too_large:
            return "metadata_too_large";
        case RejectionCode::corrupt:
            return "corrupt";
        case RejectionCode::truncated:
            return "truncated";
        case RejectionCode::timeout:
            return "timeout";
        case RejectionCode::decoder_crashed:
            return "decoder_crashed";
    }
    return "corrupt";
}

std::optional<RejectionCode> parse_rejection_code(std::string_view word) {
    const auto* found = std::find_if(kAllCodes.begin(), kAllCodes.end(),
                                     [&](RejectionCode code) { return to_string(code) == word; });
    if (found == kAllCodes.end()) return std::nullopt;
    return *found;
}

}  // namespace photogate::imaging
