// What an app server lets a browser or a phone do: the claims of a client token.
//
// gateway/access signs and verifies them as text. What was used of a token is counted in the records.
//
// Thread safety: a value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.hpp"
#include "base/words.hpp"
#include "model/upload.hpp"

namespace photogate::model {

struct ClientToken {
    std::string id;  ///< `tok_…`
    AppName app;
    ProfileName profile;
    std::uint64_t max_uploads = 0;
    std::optional<ByteSize> max_bytes;  ///< of the declared sizes together
    Timestamp expires_at;
    TextMap metadata;  ///< of every upload that is made with it
    bool operator==(const ClientToken&) const = default;
};

}  // namespace photogate::model
