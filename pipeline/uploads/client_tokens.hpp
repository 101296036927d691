// Client tokens as an app server asks for them: checked against its profile, with the limits that hold for all.
//
// It does not sign: the claims become a text at the interface.
//
// Thread safety: any thread; no database.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/random.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "model/client_token.hpp"
#include "pipeline/catalog.hpp"

namespace photogate::pipeline::uploads {

inline constexpr std::int64_t kMostTokenUploads = 10'000;
inline constexpr std::chrono::seconds kLongestTokenLife{7 * 24 * 3'600};
/// Names and values together: a token travels in URLs and headers.
inline constexpr std::size_t kMostTokenMetadata = 1'024;

struct TokenRequest {
    std::optional<std::string> profile;
    std::int64_t max_uploads = 20;  ///< 1 to kMostTokenUploads
    std::optional<ByteSize> max_bytes;
    std::chrono::seconds life{3'600};  ///< 1 s to kLongestTokenLife
    model::TextMap metadata;
    /// Fields that could not be read; reported with what else is wrong.
    std::vector<FieldError> unreadable;
};

/// Every wrong field is in one error: what a token's uploads would be refused for is refused here. Errors: the codes
/// of fields.
Result<model::ClientToken> make_token(const model::App& app, TokenRequest request, Timestamp now,
                                      Random& random);

}  // namespace photogate::pipeline::uploads
