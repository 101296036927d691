// What a profile accepts and offers, for clients that check a file before they send it.
//
// The gateway checks again when the upload is created and when the bytes have arrived.
//
// Thread safety: pure.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/words.hpp"
#include "model/policy/profile.hpp"

namespace photogate::pipeline {

struct ProfileLimits {
    ProfileName profile;
    ByteSize max_size = 0;                   ///< of the file
    std::vector<std::string> content_types;  ///< media types of the accepted formats
    std::vector<std::string> methods;        ///< `put`, `post`
    std::uint64_t max_pixels = 0;            ///< of one frame
    std::uint32_t max_side = 0;              ///< pixels
    std::uint32_t max_frames = 0;
    std::uint64_t max_total_pixels = 0;        ///< over all frames
    std::vector<std::uint32_t> version_sizes;  ///< of published images: pixels, ascending
    std::vector<std::string> version_formats;  ///< `jpeg`, `webp`, …
    bool is_private = false;                   ///< its images are seen with a link or a cookie alone
    std::chrono::seconds default_expiry{};
    std::chrono::seconds longest_expiry{};
};

ProfileLimits limits_of(const model::Profile& profile);

}  // namespace photogate::pipeline
