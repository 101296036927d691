// Who calls, as a credential has proved it.
//
// The server core carries a Principal from the check of a request's head to its handler without knowing what is in
// it (http::PrincipalPtr). A route that anyone may call has none: the pointer is null.
//
// Thread safety: values.
#pragma once

#include <variant>

#include "base/words.hpp"
#include "model/client_token.hpp"
#include "notifier/events/source.hpp"

namespace photogate::gateway::access {

/// By an app's API key: everything of its own app.
struct AppServer {
    AppName app;
};

/// By an operator's API key: reads across apps, replays, retries.
struct Operator {
    AppName name;
};

/// By a client token: what its claims say, and of uploads those that were made with it.
struct TokenBearer {
    model::ClientToken token;
};

/// By the credential of a store's events.
struct EventSource {
    const notifier::events::Source*
        source;                             ///< never null; the configuration's, so it outlives every request
    notifier::events::HeadVerdict verdict;  ///< need_body: the body has yet to prove it
};

struct Principal {
    std::variant<AppServer, Operator, TokenBearer, EventSource> who;

    /// The app that an app server or a token's bearer acts for; null for the others.
    const AppName* app() const;
    /// Null where no client token was shown.
    const model::ClientToken* token() const;
    bool is_operator() const { return std::holds_alternative<Operator>(who); }
};

}  // namespace photogate::gateway::access
