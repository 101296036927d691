#include "gateway/s3/address.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "base/encoding.hpp"
#include "signer/message_rules.hpp"
#include "signer/uri_encode.hpp"

namespace photogate::gateway::s3 {

namespace {

constexpr std::size_t kLongestKey = 1'024;

bool is_clean(std::string_view text) {
    return is_utf8(text) && text.find('\0') == std::string_view::npos;
}

/// The bucket before one of the domains; nullopt for the path style.
std::optional<std::string_view> bucket_in_host(std::string_view host,
                                               const std::vector<std::string>& domains) {
    const auto bare = host.substr(0, host.find(':', host.starts_with('[') ? host.find(']') : 0));
    for (const std::string& domain : domains) {
        if (bare.size() <= domain.size() + 1) continue;
        const auto name = bare.substr(0, bare.size() - domain.size() - 1);
        if (bare[name.size()] == '.' && ascii::equals_ignoring_case(bare.substr(name.size() + 1), domain))
            return name;
    }
    return std::nullopt;
}

}  // namespace

const std::string* Address::parameter(std::string_view name) const {
    const auto found =
        std::find_if(query.begin(), query.end(), [&](const auto& each) { return each.name == name; });
    return found == query.end() ? nullptr : &found->value;
}

S3Result<ObjectKey> read_key(std::string_view text) {
    if (text.size() > kLongestKey) return refuse(Code::KeyTooLongError);
    if (!is_clean(text)) return refuse(Code::InvalidURI, "A key is UTF-8 without NUL.");
    auto key = parse_object_key(text);
    if (!key) return refuse(Code::InvalidURI, "The key is not valid.");
    return std::move(*key);
}

S3Result<Address> read_address(std::string_view target, std::string_view host,
                               const std::vector<std::string>& domains) {
    const auto question = std::min(target.find('?'), target.size());
    const auto path = signer::decode_path(target.substr(0, question));
    if (!path || !is_clean(*path)) return refuse(Code::InvalidURI);
    Address address;
    std::string_view rest = std::string_view{*path}.substr(1);
    std::optional<std::string_view> bucket = bucket_in_host(host, domains);
    if (!bucket && !rest.empty()) {
        const auto slash = std::min(rest.find('/'), rest.size());
        bucket = rest.substr(0, slash);
        rest.remove_prefix(std::min(slash + 1, rest.size()));
    }
    if (bucket) {
        auto parsed = parse_bucket(*bucket);
        if (!parsed) return refuse(Code::InvalidBucketName);
        address.bucket = std::move(*parsed);
    }
    if (!rest.empty()) {
        auto key = read_key(rest);
        if (!key) return refuse(key.error());
        address.key = std::move(*key);
    }
    for (auto at = question + 1; at < target.size();) {
        const auto end = std::min(target.find('&', at), target.size());
        const auto pair = target.substr(at, end - at);
        at = end + 1;
        if (pair.empty()) continue;
        const auto equals = std::min(pair.find('='), pair.size());
        auto name = signer::decode_component(pair.substr(0, equals));
        auto value = signer::decode_component(equals < pair.size() ? pair.substr(equals + 1) : "");
        if (!name || !value || !is_clean(*name) || !is_clean(*value)) return refuse(Code::InvalidURI);
        address.query.push_back({std::move(*name), std::move(*value)});
    }
    return address;
}

}  // namespace photogate::gateway::s3
