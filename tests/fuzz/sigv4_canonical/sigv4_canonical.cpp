// Lines of any bytes, as a path, a query, then headers: encoded text decodes to itself, and canonicalisation
// is idempotent.
#include "fuzz.hpp"
#include "signer/canonical_request.hpp"
#include "signer/uri_encode.hpp"

namespace photogate::signer {
namespace {

using fuzz::require;

void check_path(std::string_view path) {
    const auto encoded = canonical_path(path, PathRule::s3);
    require(decode_path(encoded) == path, "an encoded path decodes to itself");
    if (const auto decoded = decode_path(path)) {
        const auto canonical = canonical_path(*decoded, PathRule::s3);
        require(decode_path(canonical) == decoded, "a path as sent is encoded as S3 does, once");
    }
    const auto normalised = decode_path(canonical_path(path, PathRule::normalised));
    require(normalised && normalised->starts_with('/'), "a normalised path is absolute");
    require(normalised->find("//") == std::string::npos &&
                ("/" + *normalised + "/").find("/../") == std::string::npos,
            "a normalised path goes nowhere");
    require(decode_path(canonical_path(*normalised, PathRule::normalised)) == normalised,
            "a normalised path stays as it is");
}

void check_query(std::string_view query) {
    std::string once, twice;
    append_canonical_query(once, query);
    append_canonical_query(twice, once);
    require(once == twice, "a canonical query stays as it is");
}

void check_component(std::string_view text) {
    const auto encoded = encode_component(text);
    require(decode_component(encoded) == text, "an encoded component decodes to itself");
    require(encoded.find_first_of("/+&=? ") == std::string::npos, "an encoded component can't end early");
}

void check_headers(std::string_view lines) {
    std::vector<HeaderView> headers;
    fuzz::Input input{as_bytes(lines)};
    while (!input.empty()) {
        const auto [name, value] = fuzz::split(input.line(), ':');
        headers.push_back({name, value});
    }
    const auto once = canonical_headers(headers);
    std::vector<HeaderView> again;
    fuzz::Input canonical{as_bytes(once.lines)};
    while (!canonical.empty()) {
        const auto [name, value] = fuzz::split(canonical.line(), ':');
        again.push_back({name, value});
    }
    const auto twice = canonical_headers(again);
    require(once.lines == twice.lines && once.names == twice.names, "canonical headers stay as they are");
}

void run(BytesView bytes) {
    fuzz::Input input{bytes};
    const auto path = input.line();
    const auto query = input.line();
    check_path(path);
    check_component(path);
    check_query(query);
    check_component(query);
    check_headers(input.rest());
}

const fuzz::Target target{"sigv4_canonical", run};

}  // namespace
}  // namespace photogate::signer
