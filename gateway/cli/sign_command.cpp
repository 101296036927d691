#include "gateway/cli/sign_command.hpp"

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "gateway/cli/sign_wire.hpp"
#include "signer/signer.hpp"

namespace photogate::gateway::cli {
namespace {

using Environment = std::map<std::string, std::string>;

std::string variable(const Environment& environment, std::initializer_list<const char*> names) {
    for (const auto* name : names) {
        const auto found = environment.find(name);
        if (found != environment.end() && !found->second.empty()) return found->second;
    }
    return {};
}

tl::unexpected<Error> refuse(std::string why) {
    return fail(ErrorCode::invalid_field, std::move(why));
}

Result<signer::Credentials> credentials_from(const Environment& environment) {
    signer::Credentials credentials;
    credentials.access_key_id = variable(environment, {"AWS_ACCESS_KEY_ID"});
    credentials.secret_access_key = Secret{variable(environment, {"AWS_SECRET_ACCESS_KEY"})};
    if (credentials.access_key_id.empty() || credentials.secret_access_key.empty()) {
        return refuse("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set");
    }
    if (auto token = variable(environment, {"AWS_SESSION_TOKEN"}); !token.empty()) {
        credentials.session_token = Secret{std::move(token)};
    }
    return credentials;
}

Result<signer::ObjectAddress> address_from(const SignArguments& arguments, const Environment& environment) {
    const auto text = arguments.endpoint.empty()
                          ? variable(environment, {"S3_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"})
                          : arguments.endpoint;
    if (text.empty()) return refuse("--endpoint is required (or S3_ENDPOINT)");
    signer::ObjectAddress address;
    auto endpoint = parse_endpoint(text);
    if (!endpoint) return refuse("--endpoint: " + endpoint.error().detail);
    address.endpoint = std::move(*endpoint);
    if (arguments.style == "virtual-host") {
        address.style = signer::AddressingStyle::virtual_host;
    } else if (arguments.style != "path") {
        return refuse("--style must be path or virtual-host");
    }
    if (!arguments.bucket.empty()) {
        auto bucket = parse_bucket(arguments.bucket);
        if (!bucket) return refuse("--bucket: " + bucket.error().detail);
        address.bucket = std::move(*bucket);
    }
    if (!arguments.key.empty()) {
        if (!address.bucket) return refuse("--key needs --bucket");
        auto key = parse_object_key(arguments.key);
        if (!key) return refuse("--key: " + key.error().detail);
        address.key = std::move(*key);
    }
    return address;
}

/// `Name: value`, white space around the value removed.
Result<std::vector<signer::HeaderField>> headers_from(const std::vector<std::string>& lines) {
    std::vector<signer::HeaderField> headers;
    for (const auto& line : lines) {
        const auto colon = line.find(':');
        if (colon == std::string::npos || colon == 0)
            return refuse(fmt::format("--header '{}' is not 'Name: value'", line));
        const auto begin = line.find_first_not_of(" \t", colon + 1);
        const auto end = line.find_last_not_of(" \t");
        headers.push_back({line.substr(0, colon),
                           begin == std::string::npos ? std::string{} : line.substr(begin, end - begin + 1)});
    }
    return headers;
}

std::vector<signer::Parameter> parameters_from(const std::vector<std::string>& pairs) {
    std::vector<signer::Parameter> parameters;
    for (const auto& pair : pairs) {
        const auto equals = pair.find('=');
        parameters.push_back(
            {pair.substr(0, equals), equals == std::string::npos ? std::string{} : pair.substr(equals + 1)});
    }
    return parameters;
}

std::optional<signer::PolicyCondition> range_condition(std::string_view text) {
    const auto comma = text.find(',');
    if (comma == std::string_view::npos) return std::nullopt;
    const auto least = ascii::parse_whole<std::uint64_t>(text.substr(0, comma));
    const auto most = ascii::parse_whole<std::uint64_t>(text.substr(comma + 1));
    if (!least || !most || *most < *least) return std::nullopt;
    return signer::PolicyCondition{
        signer::PolicyCondition::Kind::content_length_range, {}, {}, *least, *most};
}

struct Request {
    signer::ObjectAddress address;
    std::vector<signer::HeaderField> headers;
    Timestamp at;
};

Result<std::string> sign_form(const SignArguments& arguments, const signer::Signer& signer, Request request) {
    if (!request.address.bucket || !request.address.key) return refuse("a form needs --bucket and --key");
    if (!arguments.query.empty()) return refuse("a form has no --query");
    signer::PostPolicyRequest policy{.address = std::move(request.address),
                                     .fields = std::move(request.headers)};
    policy.expires = std::chrono::seconds{static_cast<std::int64_t>(arguments.expires)};
    policy.at = request.at;
    if (!arguments.content_length_range.empty()) {
        auto condition = range_condition(arguments.content_length_range);
        if (!condition) return refuse("--content-length-range must be MIN,MAX in bytes");
        policy.conditions.push_back(std::move(*condition));
    }
    return signer.sign_post_policy(policy).map(form_json);
}

Result<std::string> sign_url(const SignArguments& arguments, const signer::Signer& signer, Request request) {
    if (!arguments.content_length_range.empty()) return refuse("--content-length-range belongs to a form");
    signer::PresignRequest presign;
    presign.method = ascii::to_upper(arguments.method);
    presign.address = std::move(request.address);
    presign.query = parameters_from(arguments.query);
    presign.headers = std::move(request.headers);
    presign.expires = std::chrono::seconds{static_cast<std::int64_t>(arguments.expires)};
    presign.at = request.at;
    return signer.presign(presign).map([&](const signer::PresignedUrl& url) {
        return arguments.output == SignArguments::Output::json ? presigned_json(presign.method, url)
                                                               : url.url + "\n";
    });
}

}  // namespace

std::optional<Timestamp> parse_basic_timestamp(std::string_view text) {
    if (text.size() != 16 || text[8] != 'T' || text[15] != 'Z') return std::nullopt;
    const auto part = [&](std::size_t at, std::size_t count) { return text.substr(at, count); };
    return parse_rfc3339(fmt::format("{}-{}-{}T{}:{}:{}Z", part(0, 4), part(4, 2), part(6, 2), part(9, 2),
                                     part(11, 2), part(13, 2)));
}

Result<std::string> sign(const SignArguments& arguments, const Environment& environment, Timestamp now) {
    auto credentials = credentials_from(environment);
    if (!credentials) return fail(std::move(credentials.error()));
    auto address = address_from(arguments, environment);
    if (!address) return fail(std::move(address.error()));
    auto name = arguments.region.empty() ? variable(environment, {"AWS_REGION", "AWS_DEFAULT_REGION"})
                                         : arguments.region;
    auto region = parse_region(name.empty() ? "us-east-1" : name);
    if (!region) return refuse("--region: " + region.error().detail);
    const auto at = arguments.at.empty() ? std::optional{now} : parse_basic_timestamp(arguments.at);
    if (!at) return refuse("--at is a time such as 20261120T123456Z");
    auto headers = headers_from(arguments.headers);
    if (!headers) return fail(std::move(headers.error()));
    if (arguments.expires < 1 ||
        arguments.expires > static_cast<std::uint64_t>(signer::kLongestExpiry.count())) {
        return refuse(fmt::format("--expires must be 1 to {} seconds", signer::kLongestExpiry.count()));
    }
    const signer::Signer signer{std::move(*credentials), std::move(*region)};
    Request request{std::move(*address), std::move(*headers), *at};
    return arguments.method == "post" ? sign_form(arguments, signer, std::move(request))
                                      : sign_url(arguments, signer, std::move(request));
}

}  // namespace photogate::gateway::cli
