#include "signer/canonical_request.hpp"

#include <algorithm>
#include <functional>
#include <tuple>
#include <vector>

#include "base/ascii.hpp"
#include "base/encoding.hpp"
#include "signer/uri_encode.hpp"

namespace photogate::signer {
namespace {

std::string without_dots(std::string_view path) {
    std::vector<std::string_view> segments;
    for (std::size_t at = 0; at < path.size();) {
        const auto end = std::min(path.find('/', at), path.size());
        const auto segment = path.substr(at, end - at);
        if (segment == "..") {
            if (!segments.empty()) segments.pop_back();
        } else if (!segment.empty() && segment != ".") {
            segments.push_back(segment);
        }
        at = end + 1;
    }
    std::string out;
    for (auto segment : segments) {
        out += '/';
        out += segment;
    }
    if (out.empty() || path.ends_with('/')) out += '/';
    return out;
}

struct EncodedParameter {
    std::string_view name;
    std::string_view value;
    auto key() const { return std::tie(name, value); }
};

bool is_space(char c) {
    return c == ' ' || c == '\t';
}

void append_header_value(std::string& out, std::string_view value) {
    while (!value.empty() && is_space(value.front()))
        value.remove_prefix(1);
    while (!value.empty() && is_space(value.back()))
        value.remove_suffix(1);
    std::size_t run = 0;  // unchanged characters are appended together
    for (std::size_t i = 0; i < value.size(); ++i) {
        if (!is_space(value[i])) continue;
        out.append(value, run, i - run);
        out += ' ';
        while (is_space(value[i + 1]))
            ++i;  // the last character is not a space
        run = i + 1;
    }
    out.append(value, run);
}

}  // namespace

std::string canonical_path(std::string_view path, PathRule rule) {
    std::string out;
    out.reserve(path.size() + 16);
    switch (rule) {
        case PathRule::s3:
            append_encoded_path(out, path);
            break;
        case PathRule::normalised:
            append_encoded_path(out, without_dots(path));
            break;
    }
    return out;
}

void append_canonical_query(std::string& out, std::string_view encoded) {
    std::vector<EncodedParameter> parameters;
    parameters.reserve(12);
    for (std::size_t at = 0; at < encoded.size();) {
        const auto end = std::min(encoded.find('&', at), encoded.size());
        const auto pair = encoded.substr(at, end - at);
        const auto equals = std::min(pair.find('='), pair.size());
        if (!pair.empty()) {
            parameters.push_back(
                {pair.substr(0, equals), equals < pair.size() ? pair.substr(equals + 1) : ""});
        }
        at = end + 1;
    }
    // Sorting comes after encoding: `a~` and `a%20` order differently against `a-` once encoded.
    std::sort(parameters.begin(), parameters.end(),
              [](const auto& a, const auto& b) { return a.key() < b.key(); });
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        if (i != 0) out += '&';
        out += parameters[i].name;
        out += '=';
        out += parameters[i].value;
    }
}

CanonicalHeaders canonical_headers(std::span<const HeaderView> headers) {
    std::size_t name_bytes = 0, value_bytes = 0;
    for (const auto& header : headers) {
        name_bytes += header.name.size() + 1;
        value_bytes += header.value.size() + 2;
    }
    std::string lowered(name_bytes, '\0');  // views into it stay valid: it does not grow
    std::vector<HeaderView> sorted;
    sorted.reserve(headers.size());
    std::size_t start = 0;
    for (const auto& header : headers) {
        std::transform(header.name.begin(), header.name.end(),
                       lowered.begin() + static_cast<std::ptrdiff_t>(start),
                       [](char c) { return ascii::to_lower(c); });
        sorted.push_back({std::string_view{lowered}.substr(start, header.name.size()), header.value});
        start += header.name.size();
    }
    // Names are in `lowered` in order of arrival, so their addresses keep repeated headers in order.
    std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
        const int order = a.name.compare(b.name);
        return order != 0 ? order < 0 : std::less<>{}(a.name.data(), b.name.data());
    });

    CanonicalHeaders out;
    out.lines.reserve(name_bytes + value_bytes);
    out.names.reserve(name_bytes);
    for (std::size_t i = 0; i < sorted.size(); ++i) {
        const bool repeated = i != 0 && sorted[i].name == sorted[i - 1].name;
        if (repeated) {
            out.lines.back() = ',';
        } else {
            if (i != 0) out.names += ';';
            out.names += sorted[i].name;
            out.lines += sorted[i].name;
            out.lines += ':';
        }
        append_header_value(out.lines, sorted[i].value);
        out.lines += '\n';
    }
    return out;
}

std::string canonical_request(const CanonicalParts& parts) {
    std::string out;
    out.reserve(parts.method.size() + parts.path.size() + parts.query.size() + parts.header_lines.size() +
                parts.header_names.size() + parts.payload_hash.size() + 5);
    out += parts.method;
    out += '\n';
    out += parts.path;
    out += '\n';
    out += parts.query;
    out += '\n';
    out += parts.header_lines;
    out += '\n';
    out += parts.header_names;
    out += '\n';
    out += parts.payload_hash;
    return out;
}

std::string string_to_sign(const AmzDate& at, std::string_view scope, std::string_view canonical_request) {
    std::string out;
    out.reserve(kAlgorithm.size() + scope.size() + 16 + 64 + 3);
    out += kAlgorithm;
    out += '\n';
    out += at.text();
    out += '\n';
    out += scope;
    out += '\n';
    out += hex_lower(sha256(canonical_request));
    return out;
}

std::string chunk_string_to_sign(const ChunkToSign& chunk) {
    std::string out = "AWS4-HMAC-SHA256-PAYLOAD\n";
    out += chunk.at.text();
    out += '\n';
    out += chunk.scope;
    out += '\n';
    out += chunk.previous_signature;
    out += '\n';
    out += kEmptyPayload;
    out += '\n';
    out += hex_lower(chunk.chunk);
    return out;
}

}  // namespace photogate::signer
