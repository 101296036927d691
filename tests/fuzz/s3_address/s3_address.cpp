// A line that is the Host header, then any bytes as a target: the addressed object is the one whose path was
// signed.
#include "fuzz.hpp"
#include "gateway/s3/address.hpp"
#include "signer/uri_encode.hpp"

namespace photogate::gateway::s3 {
namespace {

using fuzz::require;

bool is_text(std::string_view text) {
    return is_utf8(text) && text.find('\0') == std::string_view::npos;
}

void run(BytesView bytes) {
    fuzz::Input input{bytes};
    const auto host = input.line();
    const auto target = input.rest();
    if (!target.starts_with('/')) return;  // the server guarantees that
    const auto address = read_address(target, host, {"s3.example.org"});
    if (!address) return;
    const auto path = signer::decode_path(target.substr(0, target.find('?')));
    require(path && is_text(*path), "a path is text");
    const std::string bucket = address->bucket ? address->bucket->str() : "";
    const std::string key = address->key ? address->key->str() : "";
    const bool in_path = *path == "/" + bucket || *path == "/" + bucket + "/" + key;
    const bool in_host = host.size() > bucket.size() && host.starts_with(bucket) && *path == "/" + key;
    require(in_path || in_host, "bucket and key are the path's, as it was signed");
    require(!address->bucket || parse_bucket(bucket).has_value(), "a bucket's name is one");
    require(key.size() <= 1'024 && is_text(key), "a key is a text of 1,024 bytes at most");
    for (const auto& [name, value] : address->query)
        require(is_text(name) && is_text(value), "the query is text");
}

const fuzz::Target target{"s3_address", run};

}  // namespace
}  // namespace photogate::gateway::s3
