// What operators are told of apps, keys and callback secrets, which app a path is about, and what follows a change.
//
// Thread safety: pure functions, but known_app() and take_over(), which ask the records; any thread.
#pragma once

#include <optional>
#include <string>

#include "base/json/writer.hpp"
#include "gateway/routes/api.hpp"
#include "storage/apps/app_store.hpp"

namespace photogate::gateway::routes {

void write(json::Writer& out, json::Name name, const std::optional<std::string>& text);
void write_time(json::Writer& out, json::Name name, const std::optional<Timestamp>& at);

/// `shown`: the key or secret itself, in the answer that makes it.
void write_key(json::Writer& out, const storage::apps::StoredKey& key, const Secret* shown = nullptr);
void write_secret(json::Writer& out, const storage::apps::StoredSecret& secret,
                  const Secret* shown = nullptr);

/// An app as it is in force; `made` where it was made through the API.
struct ShownApp {
    AppName name;
    const storage::apps::StoredApp* made = nullptr;
    const model::App* in_force = nullptr;
};
/// Its members, into an object that is open.
void write_app(json::Writer& out, const ShownApp& app);

/// Who asks, of a route for operators alone.
storage::apps::Actor actor_of(const http::Request& request);
/// What was changed is in force here from now on; where it can't be read at this moment, soon.
void take_over(const Api& api);

/// With `Cache-Control: no-store`.
http::Response never_kept(int status, json::Writer& out);

/// The `{app}` of the path, which the configuration has or an operator made. Errors: app_not_found; those of the records.
Result<AppName> known_app(const Api& api, const http::Request& request);
/// The same by its shape alone.
Result<AppName> app_of(const http::Request& request);

}  // namespace photogate::gateway::routes
