// API keys: `pg_<app>_<secret>`, of which the configuration holds the SHA-256 alone.
//
// The secret is 256 bits of chance, so a plain SHA-256 can't be searched; the app's name in the key tells
// people which is which.
//
// Thread safety: a KeyRing is immutable after it was filled; the rest are pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/live.hpp"
#include "base/random.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"
#include "base/words.hpp"
#include "signer/digest.hpp"

namespace photogate::gateway::access {

/// A new key of that app: 52 characters of Crockford base32 behind the last `_`.
Secret make_api_key(const AppName& app, Random& random);

/// The last characters of a key, by which people tell one from another.
std::string api_key_hint(const Secret& key);

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
    /// Its keys and client tokens are refused, whatever is added.
    void disable(const AppName& app) { disabled_.insert(app); }
    bool is_disabled(const AppName& app) const { return disabled_.contains(app); }
    /// Whether any key is of an app or operator of this name.
    bool names(const AppName& name) const;
    bool empty() const { return entries_.empty(); }
    std::size_t size() const { return entries_.size(); }

    /// Whose key this is. Looked up by a part of the hash of what is presented, and compared in constant time: the time
    /// tells something of a hash at the most, from which no key can be made.
    std::optional<KeyOwner> find(std::string_view presented) const;

  private:
    struct Entry {
        signer::Sha256 hash;
        KeyOwner owner;
    };
    std::unordered_multimap<std::uint64_t, Entry> entries_;  ///< by the beginning of the hash
    std::set<AppName> disabled_;
};

/// The keys that are accepted now.
using LiveKeys = Live<KeyRing>;

}  // namespace photogate::gateway::access
