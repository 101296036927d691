// API keys: `pg_<app>_<secret>`, of which the configuration holds the SHA-256 alone.
//
// The secret is 256 bits of chance, so a plain SHA-256 can't be searched; the app's name in the key tells
// people which is which.
//
// Thread safety: a KeyRing is immutable after it was filled; the rest are pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/words.hpp"
#include "signer/digest.hpp"

namespace photogate::gateway::access {

/// A new key of that app: 52 characters of Crockford base32 behind the last `_`.
Secret make_api_key(const AppName& app, Random& random);

/// `sha256:<64 lower-case hex digits>` of the whole key: the line for the configuration.
std::string api_key_line(const Secret& key);
std::optional<signer::Sha256> parse_api_key_line(std::string_view line);

/// The app that a key names; nullopt where the text is not shaped like a key. Proves nothing.
std::optional<AppName> app_of_api_key(std::string_view key);

enum class Role {
    app,            ///< everything of its own app
    operator_role,  ///< reads across apps, replays, retries
};

struct KeyOwner {
    AppName name;  ///< of the app or of the operator
    Role role = Role::app;
    bool operator==(const KeyOwner&) const = default;
};

class KeyRing {
  public:
    enum class Added { added, already_there };
    Added add(const signer::Sha256& hash, KeyOwner owner);
    bool empty() const { return entries_.empty(); }
    std::size_t size() const { return entries_.size(); }

    /// Whose key this is. Every entry is compared, each in constant time, so the time tells nothing but how
    /// many there are.
    std::optional<KeyOwner> find(std::string_view presented) const;

  private:
    struct Entry {
        signer::Sha256 hash;
        KeyOwner owner;
    };
    std::vector<Entry> entries_;
};

}  // namespace photogate::gateway::access
