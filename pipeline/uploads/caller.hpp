// Who asks for a use case: an app, the operator, or the bearer of a client token.
//
// Thread safety: a value.
#pragma once

#include <memory>
#include <optional>

#include "base/words.hpp"
#include "model/client_token.hpp"
#include "model/upload.hpp"

namespace photogate::pipeline::uploads {

struct Caller {
    std::optional<AppName> app;                       ///< whose uploads; nullopt: the operator, across apps
    std::shared_ptr<const model::ClientToken> token;  ///< null: an app server or the operator

    /// A token's bearer knows the uploads that were made with it; other callers are bounded by `app`.
    bool may_see(const model::Upload& upload) const { return !token || upload.client_token == token->id; }
};

}  // namespace photogate::pipeline::uploads
