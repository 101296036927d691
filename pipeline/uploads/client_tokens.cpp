#include "pipeline/uploads/client_tokens.hpp"

#include <utility>

#include <fmt/format.h>

#include "base/field_errors.hpp"
#include "pipeline/grant.hpp"
#include "pipeline/uploads/field_mistakes.hpp"

namespace photogate::pipeline::uploads {
namespace {

std::vector<FieldError> mistakes_in(const TokenRequest& request) {
    auto mistakes = metadata_mistakes(request.metadata);
    std::size_t bytes = 0;
    for (const auto& [name, value] : request.metadata)
        bytes += name.size() + value.size();
    if (bytes > kMostTokenMetadata)
        mistakes.push_back(
            {"/metadata", ErrorCode::invalid_metadata,
             fmt::format("a token's 'metadata' has at most {} bytes in all", kMostTokenMetadata)});
    if (request.max_uploads < 1 || request.max_uploads > kMostTokenUploads)
        mistakes.push_back({"/max_uploads", ErrorCode::invalid_field,
                            fmt::format("'max_uploads' is 1 to {}", kMostTokenUploads)});
    if (request.max_bytes && *request.max_bytes == 0)
        mistakes.push_back({"/max_bytes", ErrorCode::invalid_field, "'max_bytes' is at least 1"});
    if (request.life < std::chrono::seconds{1} || request.life > kLongestTokenLife)
        mistakes.push_back({"/expires_in", ErrorCode::invalid_expiry,
                            fmt::format("'expires_in' is 1 to {} seconds", kLongestTokenLife.count())});
    return mistakes;
}

}  // namespace

Result<model::ClientToken> make_token(const model::App& app, TokenRequest request, Timestamp now,
                                      Random& random) {
    auto mistakes = mistakes_in(request);
    const auto profile = app.profile(request.profile);
    if (!profile) mistakes.push_back({"/profile", profile.error().code, profile.error().detail});
    if (!mistakes.empty() || !request.unreadable.empty()) {
        const Error checking{ErrorCode::invalid_fields, {}, std::move(mistakes), std::nullopt};
        return tl::unexpected(
            all_mistakes(std::move(request.unreadable), checking.fields.empty() ? nullptr : &checking));
    }
    model::ClientToken token;
    token.id = "tok_" + make_upload_id(now, random).str().substr(4);
    token.app = app.name;
    token.profile = (*profile)->name;
    token.max_uploads = static_cast<std::uint64_t>(request.max_uploads);
    token.max_bytes = request.max_bytes;
    token.expires_at = std::chrono::floor<std::chrono::seconds>(now) + request.life;
    token.metadata = std::move(request.metadata);
    return token;
}

}  // namespace photogate::pipeline::uploads
