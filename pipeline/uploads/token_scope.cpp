#include "pipeline/uploads/token_scope.hpp"

namespace photogate::pipeline::uploads {

std::vector<FieldError> hold_to_token(const model::ClientToken& token, GrantRequest& request) {
    std::vector<FieldError> mistakes;
    if (request.profile && *request.profile != token.profile.str())
        mistakes.push_back({"/profile", ErrorCode::unknown_profile,
                            "this client token is for the profile '" + token.profile.str() + "'"});
    if (!request.metadata.empty())
        mistakes.push_back({"/metadata", ErrorCode::invalid_metadata,
                            "metadata is the app server's: it stands in the client token"});
    if (request.callback_url)
        mistakes.push_back({"/callback_url", ErrorCode::invalid_callback_url,
                            "where callbacks go is the app server's to say"});
    if (request.client_address)
        mistakes.push_back({"/client_address", ErrorCode::invalid_field,
                            "a client token's request comes from the client itself"});
    if (request.dedupe)
        mistakes.push_back(
            {"/dedupe", ErrorCode::invalid_field,
             "whether a picture is there already is the app server's to ask: it may be another client's"});
    if (token.max_bytes && !request.size)
        mistakes.push_back(
            {"/size", ErrorCode::invalid_size, "'size' is required: this client token limits bytes"});
    request.profile = token.profile.str();
    request.metadata = token.metadata;
    request.callback_url.reset();
    request.dedupe = false;
    request.client_address.reset();
    request.token_expires_at = token.expires_at;
    return mistakes;
}

}  // namespace photogate::pipeline::uploads
