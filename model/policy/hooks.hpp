// What an app wants to be asked before a picture is taken or shown.
//
// Thread safety: immutable values.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace photogate::model {

/// URLs of the app's own, which answer with a verdict.
struct Hooks {
    std::optional<std::string> before_grant;    ///< before an upload is granted; nullopt: nobody is asked
    std::optional<std::string> before_publish;  ///< before a proven picture is published
    std::chrono::milliseconds timeout{5'000};   ///< of one call, from the connection to the last byte
    /// What happens without a verdict.
    enum class OnFailure {
        closed,  ///< a grant is refused for now; a picture waits
        open,    ///< as if it had been allowed
    } on_failure = OnFailure::closed;
    /// Whether before_publish is given a link to the original, for a short time.
    enum class Original { withheld, linked } original = Original::withheld;
};

}  // namespace photogate::model
