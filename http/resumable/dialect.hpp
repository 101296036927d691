// In which protocol a resumable upload is spoken of: tus 1.0.0, the IETF draft, or neither.
//
// Both share one URL. `Tus-Resumable` decides for tus, also beside fields of the draft, which some HTTP stacks add to every
// upload; otherwise `Upload-Draft-Interop-Version` decides, and answers are in the version that was asked for.
//
// Sources: tus.io resumable upload protocol 1.0.0; draft-ietf-httpbis-resumable-upload-01 (interop 3), -03 (5), -05 (6) and
// -09 to -11 (8).
//
// Thread safety: values.
#pragma once

#include <cstdint>
#include <string_view>

namespace photogate::http::resumable {

enum class Protocol {
    tus,
    draft,
    plain,  ///< neither is named, or a version of the draft that is not spoken here: a file in one request
};

struct Dialect {
    Protocol protocol = Protocol::plain;
    std::uint32_t interop = 0;  ///< of the draft: 3, 5, 6 or 8
    bool operator==(const Dialect&) const = default;

    bool is_tus() const { return protocol == Protocol::tus; }
    bool is_draft() const { return protocol == Protocol::draft; }
};

inline constexpr std::string_view kTusVersion = "1.0.0";
inline constexpr std::string_view kTusExtensions =
    "creation,creation-with-upload,expiration,termination,checksum";
inline constexpr std::string_view kTusChecksums = "sha1,sha256,md5";
inline constexpr std::string_view kTusContent = "application/offset+octet-stream";
inline constexpr std::string_view kPartialUpload = "application/partial-upload";

/// Whether this version of the draft is spoken here.
constexpr bool is_spoken(std::uint64_t interop) {
    return interop == 3 || interop == 5 || interop == 6 || interop == 8;
}

/// Whether clients of this version expect interim answers with an offset.
inline bool tells_progress(const Dialect& dialect) {
    return dialect.is_draft() && dialect.interop >= 5;
}

}  // namespace photogate::http::resumable
