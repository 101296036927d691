#include "gateway/access/api_key.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "base/ascii.hpp"
#include "base/encoding.hpp"

namespace photogate::gateway::access {
namespace {

constexpr std::string_view kKeyPrefix = "pg_";
constexpr std::string_view kHashPrefix = "sha256:";
constexpr std::size_t kSecretBytes = 32;
constexpr std::size_t kSecretLength = 52;

bool lower_or_digit(char c) {
    return ascii::is_lower(c) || ascii::is_digit(c);
}

std::uint64_t beginning_of(const signer::Sha256& hash) {
    std::uint64_t beginning = 0;
    std::memcpy(&beginning, hash.data(), sizeof beginning);
    return beginning;
}

}  // namespace

Secret make_api_key(const AppName& app, Random& random) {
    std::array<std::uint8_t, kSecretBytes> raw{};
    random.fill(std::as_writable_bytes(std::span{raw}));
    std::string key{kKeyPrefix};
    key += app.str();
    key += '_';
    key += base32_crockford(raw);
    return Secret{std::move(key)};
}

std::string api_key_line(const Secret& key) {
    return std::string{kHashPrefix} + hex_lower(signer::sha256(key.reveal()));
}

std::string api_key_hint(const Secret& key) {
    const auto text = key.reveal();
    return std::string{text.substr(text.size() - std::min<std::size_t>(text.size(), 4))};
}

std::optional<signer::Sha256> parse_api_key_line(std::string_view line) {
    if (!line.starts_with(kHashPrefix)) return std::nullopt;
    const auto bytes = from_hex(line.substr(kHashPrefix.size()));
    signer::Sha256 hash{};
    if (!bytes || bytes->size() != hash.size()) return std::nullopt;
    std::copy(bytes->begin(), bytes->end(), hash.begin());
    return hash;
}

std::optional<AppName> app_of_api_key(std::string_view key) {
    if (!key.starts_with(kKeyPrefix)) return std::nullopt;
    key.remove_prefix(kKeyPrefix.size());
    const auto end = key.find('_');
    if (end == std::string_view::npos) return std::nullopt;
    const auto secret = key.substr(end + 1);
    if (secret.size() != kSecretLength || !std::all_of(secret.begin(), secret.end(), lower_or_digit))
        return std::nullopt;
    auto app = parse_app_name(key.substr(0, end));
    if (!app) return std::nullopt;
    return *app;
}

KeyRing::Added KeyRing::add(const signer::Sha256& hash, KeyOwner owner) {
    const auto [begin, end] = entries_.equal_range(beginning_of(hash));
    for (auto entry = begin; entry != end; ++entry) {
        if (entry->second.hash == hash) return Added::already_there;
    }
    entries_.emplace(beginning_of(hash), Entry{hash, std::move(owner)});
    return Added::added;
}

bool KeyRing::names(const AppName& name) const {
    return std::any_of(entries_.begin(), entries_.end(),
                       [&](const auto& entry) { return entry.second.owner.name == name; });
}

std::optional<KeyOwner> KeyRing::find(std::string_view presented) const {
    const auto named = app_of_api_key(presented);
    if (!named) return std::nullopt;
    const auto hash = signer::sha256(presented);
    const auto [begin, end] = entries_.equal_range(beginning_of(hash));
    for (auto entry = begin; entry != end; ++entry) {
        const auto& [known, owner] = entry->second;
        if (!signer::constant_time_equal(BytesView{hash}, BytesView{known})) continue;
        if (owner.name != *named || is_disabled(owner.name)) return std::nullopt;
        return owner;
    }
    return std::nullopt;
}

}  // namespace photogate::gateway::access
