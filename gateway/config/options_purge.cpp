#include <algorithm>
#include <array>

#include "base/ascii.hpp"
#include "gateway/config/defaults.hpp"
#include "gateway/config/options.hpp"
#include "gateway/config/setters.hpp"

namespace photogate::gateway::config {
namespace {

using namespace std::chrono_literals;
using S = const Scope&;
using G = const RawValue&;
using notifier::purges::CacheKind;
using notifier::purges::kIdPlaceholder;
using notifier::purges::PurgeHook;

constexpr std::array kKinds = {
    Choice<CacheKind>{"cloudflare", CacheKind::cloudflare}, Choice<CacheKind>{"fastly", CacheKind::fastly},
    Choice<CacheKind>{"cloudfront", CacheKind::cloudfront}, Choice<CacheKind>{"http", CacheKind::http}};
constexpr std::array kMethods = {
    Choice<std::string_view>{"PURGE", "PURGE"}, Choice<std::string_view>{"BAN", "BAN"},
    Choice<std::string_view>{"POST", "POST"}, Choice<std::string_view>{"GET", "GET"},
    Choice<std::string_view>{"DELETE", "DELETE"}};

Result<std::string> parse_resource(std::string_view text) {
    const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
        return ascii::is_letter(c) || ascii::is_digit(c) || c == '-' || c == '_';
    });
    if (text.empty() || text.size() > 64 || !plain)
        return fail(ErrorCode::invalid_field, "an id has letters, digits, '-' and '_'");
    return std::string{text};
}

/// A Host header's name, as a cache's prefix begins with it.
Result<std::string> parse_public_host(std::string_view text) {
    const auto endpoint = parse_endpoint("http://" + std::string{text});
    if (!endpoint || text.find('/') != std::string_view::npos)
        return fail(ErrorCode::invalid_field, "a host is a name, without scheme and path");
    return endpoint->host_header();
}

Result<std::string> parse_template(std::string_view text) {
    const auto scheme = text.find("://");
    const auto end = scheme == std::string_view::npos ? scheme : text.find_first_of("/?#", scheme + 3);
    const bool plain = std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7F; });
    if (!plain || text.size() > 1'024 || end == std::string_view::npos || text[end] != '/' ||
        text.find('#') != std::string_view::npos || !parse_endpoint(text.substr(0, end)))
        return fail(ErrorCode::invalid_field, "a purge's URL is http(s)://HOST/PATH without a fragment");
    if (text.find(kIdPlaceholder, end) == std::string_view::npos)
        return fail(ErrorCode::invalid_field, "a purge's URL has {id} where the image's public id belongs");
    return std::string{text};
}

ValidationError put_token(const RawValue& given, Secret& field) {
    const auto text = read_text(given);
    if (text && std::any_of(text->begin(), text->end(), [](char c) { return c <= 0x20 || c >= 0x7F; }))
        return "must be printable ASCII without white space";
    return put_secret(given, field);
}

ValidationError put_access_key(const RawValue& given, PurgeHook& hook) {
    auto text = read_text(given);
    if (!text) return text.error();
    if (text->empty() || text->find_first_of("/ \t\r\n") != std::string::npos)
        return "must be an access key id: not empty, without '/' and white space";
    hook.credentials.access_key_id = std::move(*text);
    return std::nullopt;
}

}  // namespace

std::vector<Table> purge_tables() {
    return {
        {.pattern = "purges.*",
         .prefix = std::nullopt,
         .help = "A cache in front of photogate that is told to forget an image when it is deleted.",
         .options =
             {
                 {"kind", Kind::choice, "",
                  "cloudflare, fastly, cloudfront, or http: a request to nginx, Varnish or whatever takes "
                  "one.",
                  [](S s, G g) { return put_choice(g, kKinds, s.purge().kind); }, Secrecy::open, "required"},
                 {"id", Kind::text, "",
                  "The zone (Cloudflare), the service (Fastly) or the distribution (CloudFront).",
                  [](S s, G g) { return put_parsed(g, parse_resource, s.purge().resource); }, Secrecy::open,
                  "required, except for http"},
                 {"token", Kind::text, "",
                  "The API token, with the permission to purge and no other (Cloudflare: Cache Purge; "
                  "Fastly: "
                  "purge_select). http sends it as `Authorization: Bearer`.",
                  [](S s, G g) { return put_token(g, s.purge().token); }, Secrecy::secret,
                  "required for cloudflare and fastly"},
                 {"access_key", Kind::text, "",
                  "The id of an access key that may `cloudfront:CreateInvalidation`.",
                  [](S s, G g) { return put_access_key(g, s.purge()); }, Secrecy::open,
                  "required for cloudfront"},
                 {"secret_key", Kind::text, "", "Its secret access key.",
                  [](S s, G g) { return put_secret(g, s.purge().credentials.secret_access_key); },
                  Secrecy::secret, "required for cloudfront"},
                 {"url", Kind::text, "",
                  "The URL of a purge, with `{id}` in the place of the image's public id: "
                  "`http://127.0.0.1:6081/i/{id}`.",
                  [](S s, G g) { return put_parsed(g, parse_template, s.purge().url); }, Secrecy::open,
                  "required for http"},
                 {"method", Kind::choice, PurgeHook{}.method,
                  "The method of an http purge: PURGE, BAN, POST, GET, DELETE.",
                  [](S s, G g) { return put_choice(g, kMethods, s.purge().method); }},
                 {"hosts", Kind::list, "",
                  "The hosts under which Cloudflare serves the images, whose prefixes are purged.",
                  [](S s, G g) { return put_list(g, parse_public_host, s.purge().hosts); }, Secrecy::open,
                  "the host of `server.public_url`"},
                 {"api", Kind::text, "", "The URL of the service's API, where it is another than its own.",
                  [](S s, G g) { return put_parsed(g, parse_endpoint, s.purge().api); }, Secrecy::open,
                  "the service's own"},
                 {"repeat_after", Kind::duration, duration_text(PurgeHook{}.repeat_after),
                  "After this time there is a second purge, for what a request that was under way at the "
                  "first "
                  "has put into the cache since. 0: none.",
                  [](S s, G g) {
                      return put_seconds(read_duration(g, {0s, 24h}), s.purge().repeat_after);
                  }},
             },
         .make =
             [](Config& config, const std::vector<std::string>& names) {
                 config.purges[names.at(0)].name = names.at(0);
             }},
    };
}

}  // namespace photogate::gateway::config
