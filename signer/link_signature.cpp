#include "signer/link_signature.hpp"

#include <algorithm>
#include <utility>

#include "base/base64url.hpp"

namespace photogate::signer {
namespace {

constexpr std::string_view kIdText = "photogate link key";

}  // namespace

LinkSigner::LinkSigner(const std::vector<Secret>& secrets) {
    for (const auto& secret : secrets) {
        HmacKey hmac{as_bytes(secret.reveal())};
        const auto named = hmac.sign(kIdText);
        KeyId id{};
        std::copy_n(named.begin(), id.size(), id.begin());
        keys_.push_back({id, std::move(hmac)});
    }
}

std::string LinkSigner::sign(std::string_view text) const {
    const auto& key = keys_.front();
    const auto mac = key.hmac.sign(text);
    Bytes bytes{key.id.begin(), key.id.end()};
    bytes.insert(bytes.end(), mac.begin(), mac.end());
    return base64url(bytes);
}

bool LinkSigner::verify(std::string_view text, std::string_view signature) const {
    if (signature.size() != kLength) return false;
    const auto bytes = from_base64url(signature);
    if (!bytes) return false;
    const auto id = BytesView{*bytes}.first<std::tuple_size_v<KeyId>>();
    const auto presented = BytesView{*bytes}.subspan(id.size());
    return std::any_of(keys_.begin(), keys_.end(), [&](const Key& key) {
        return std::equal(id.begin(), id.end(), key.id.begin()) &&
               constant_time_equal(BytesView{key.hmac.sign(text)}, presented);
    });
}

std::optional<LinkSigner::KeyId> LinkSigner::key_of(std::string_view signature) {
    if (signature.size() != kLength) return std::nullopt;
    const auto bytes = from_base64url(signature);
    if (!bytes) return std::nullopt;
    KeyId id{};
    std::copy_n(bytes->begin(), id.size(), id.begin());
    return id;
}

std::vector<LinkSigner::KeyId> LinkSigner::key_ids() const {
    std::vector<KeyId> ids;
    for (const auto& key : keys_)
        ids.push_back(key.id);
    return ids;
}

}  // namespace photogate::signer
