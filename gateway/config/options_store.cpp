#include <algorithm>
#include <array>

#include "base/ascii.hpp"
#include "gateway/config/defaults.hpp"
#include "gateway/config/options.hpp"
#include "gateway/config/setters.hpp"

namespace photogate::gateway::config {
namespace {

using S = const Scope&;
using G = const RawValue&;
using signer::AddressingStyle;

using placement::HeaderSays;

constexpr std::array kHeaderSays = {Choice<HeaderSays>{"country", HeaderSays::country},
                                    Choice<HeaderSays>{"continent", HeaderSays::continent},
                                    Choice<HeaderSays>{"region", HeaderSays::region}};
constexpr std::array<std::string_view, 7> kContinents{"AF", "AN", "AS", "EU", "NA", "OC", "SA"};
constexpr std::array kStyles = {Choice<AddressingStyle>{"path", AddressingStyle::path},
                                Choice<AddressingStyle>{"virtual-host", AddressingStyle::virtual_host}};

Result<std::string> parse_domain(std::string_view text) {
    const auto endpoint = parse_endpoint("http://" + std::string{text});
    if (!endpoint || endpoint->port || text.find_first_of("/[") != std::string_view::npos)
        return fail(ErrorCode::invalid_field, "a domain is a name, without scheme, port or path");
    return endpoint->host;
}

Result<IpBlock> parse_network(std::string_view text) {
    auto block = parse_ip_block(text);
    if (block && block->has_host_bits())
        return fail(ErrorCode::invalid_field, "a network has no bits of a host behind its length");
    return block;
}

Result<std::string> parse_country(std::string_view text) {
    if (text.size() != 2 || !ascii::is_letter(text[0]) || !ascii::is_letter(text[1]))
        return fail(ErrorCode::invalid_field, "a country is two letters of ISO 3166-1, such as DE");
    return ascii::to_upper(text);
}

Result<std::string> parse_continent(std::string_view text) {
    auto code = ascii::to_upper(text);
    if (std::find(kContinents.begin(), kContinents.end(), code) == kContinents.end())
        return fail(ErrorCode::invalid_field, "a continent is AF, AN, AS, EU, NA, OC or SA");
    return code;
}

/// The name of a field as HTTP has it (RFC 9110, 5.1).
Result<std::string> parse_field_name(std::string_view text) {
    const bool plain = std::all_of(text.begin(), text.end(),
                                   [](char c) { return ascii::is_alphanumeric(c) || c == '-' || c == '_'; });
    if (text.empty() || text.size() > 64 || !plain)
        return fail(ErrorCode::invalid_field, "a header's name has letters, digits, '-' and '_'");
    return std::string{text};
}

ValidationError put_access_key(const RawValue& given, std::string& field) {
    auto text = read_text(given);
    if (!text) return text.error();
    if (text->empty() || text->find_first_of("/ \t\r\n") != std::string::npos) {
        return "must be an access key id: not empty, without '/' and white space";
    }
    field = std::move(*text);
    return std::nullopt;
}

}  // namespace

namespace {

Table builtin_table() {
    using namespace std::chrono_literals;
    return {
        .pattern = "store",
        .prefix = "store",
        .help =
            "The built-in store: a folder of this machine that speaks S3. For one machine only; beyond that, "
            "configure `[regions.NAME]` with an `endpoint`.",
        .options = {
            {"folder", Kind::folder, "",
             "The folder of the objects. If set, the region without an `endpoint` (or a new region "
             "`default`) is this store, and keys that are not configured are created once and kept in the "
             "folder.",
             [](S s, G g) { return put(read_text(g), s.config.store.folder); }, Secrecy::open,
             "no built-in store"},
            {"listen", Kind::text, "127.0.0.1:9000", "The address of the store's S3 interface: `IP:PORT`.",
             [](S s, G g) { return put_parsed(g, parse_listen_address, s.config.store.listen); }},
            {"public_url", Kind::text, "", "The store's public URL. Upload URLs are signed for this host.",
             [](S s, G g) { return put_parsed(g, parse_endpoint, s.config.store.external); }, Secrecy::open,
             "`http://` and `listen`"},
            {"domains", Kind::list, "",
             "Domains for virtual-host style: `s3.example` serves `BUCKET.s3.example`.",
             [](S s, G g) { return put_list(g, parse_domain, s.config.store.domains); }, Secrecy::open,
             "the host of `public_url`"},
            {"cors_origins", Kind::list, "*", "Origins whose pages may upload to the store, or `*`.",
             [](S s, G g) {
                 return put_list(g, photogate::http::semantics::parse_origin, s.config.store.cors_origins);
             }},
            {"body_timeout", Kind::duration, duration_text(standard().store.body_timeout),
             "Maximum time for one object, or one part of it, to arrive.",
             [](S s, G g) {
                 return put(read_duration(g, {1s, 7 * 24h}), s.config.store.body_timeout);
             }},
            {"max_object_size", Kind::size, "",
             "The largest object that the incoming bucket takes; a larger one is refused as "
             "`EntityTooLarge`, "
             "whatever URL it is sent to.",
             [](S s, G g) {
                 return put(read_size(g, {1, 5ULL << 40}), s.config.store.max_object_size);
             },
             Secrecy::open, "the largest `max_size` of the profiles"},
            {"encrypted_disk", Kind::boolean, "false",
             "Says that the folder is on an encrypted disk. The store does not encrypt: only with this it "
             "accepts "
             "`x-amz-server-side-encryption: AES256`, and tells it of every object.",
             [](S s, G g) -> ValidationError {
                 const auto encrypted = read_boolean(g);
                 if (!encrypted) return encrypted.error();
                 s.config.store.encrypted_disk = *encrypted;
                 return std::nullopt;
             }},
            {"threads", Kind::integer, std::to_string(standard().store.threads),
             "Threads that read and write the folder.", [](S s, G g) {
                 return put(read_integer(g, {1, 256}), s.config.store.threads);
             }}}};
}

}  // namespace

std::vector<Table> store_tables() {
    using namespace std::chrono_literals;
    return {
        builtin_table(),
        {.pattern = "regions.*",
         .prefix = "s3",
         .help = "An S3 store, by the name in an upload's `region`. Two credentials: the signer may put "
                 "under `u/` of the incoming bucket and nothing else; the worker reads, writes and deletes.",
         .options = {{"endpoint",
                      Kind::text,
                      "",
                      "The URL that the gateway connects to: `http://127.0.0.1:9000`.",
                      [](S s, G g) { return put_parsed(g, parse_endpoint, s.region().internal); },
                      Secrecy::open,
                      "required, except for the built-in store",
                      {"S3_ENDPOINT"}},
                     {"public_endpoint",
                      Kind::text,
                      "",
                      "The URL that clients connect to. URLs are signed for this host.",
                      [](S s, G g) { return put_parsed(g, parse_endpoint, s.region().external); },
                      Secrecy::open,
                      "`endpoint`",
                      {"S3_PUBLIC_ENDPOINT"}},
                     {"region",
                      Kind::text,
                      standard_region().signing_region.str(),
                      "The region in signatures.",
                      [](S s, G g) { return put_parsed(g, parse_region, s.region().signing_region); },
                      Secrecy::open,
                      {},
                      {"AWS_REGION"}},
                     {"style", Kind::choice, choice_text(kStyles, standard_region().style),
                      "Where a URL has the bucket: path, virtual-host.",
                      [](S s, G g) { return put_choice(g, kStyles, s.region().style); }},
                     {"incoming_bucket", Kind::text, standard_region().incoming.str(),
                      "The bucket for uploads.",
                      [](S s, G g) { return put_parsed(g, parse_bucket, s.region().incoming); }},
                     {"public_bucket", Kind::text, standard_region().published.str(),
                      "The bucket for published images.",
                      [](S s, G g) { return put_parsed(g, parse_bucket, s.region().published); }},
                     {"originals_bucket", Kind::text, standard_region().originals.str(),
                      "The bucket for kept and quarantined originals; never public.",
                      [](S s, G g) { return put_parsed(g, parse_bucket, s.region().originals); }},
                     {"signer_access_key", Kind::text, "", "The signer's access key id.",
                      [](S s, G g) { return put_access_key(g, s.region().signer.access_key_id); },
                      Secrecy::open, "required"},
                     {"signer_secret_key", Kind::text, "", "The signer's secret access key.",
                      [](S s, G g) { return put_secret(g, s.region().signer.secret_access_key); },
                      Secrecy::secret, "required"},
                     {"worker_access_key", Kind::text, "", "The worker's access key id.",
                      [](S s, G g) { return put_access_key(g, s.region().worker.access_key_id); },
                      Secrecy::open, "required"},
                     {"worker_secret_key", Kind::text, "", "The worker's secret access key.",
                      [](S s, G g) { return put_secret(g, s.region().worker.secret_access_key); },
                      Secrecy::secret, "required"},
                     {"networks", Kind::list, "",
                      "The networks of clients that are near: CIDR blocks. Of several that contain an "
                      "address, of any region, the longest decides.",
                      [](S s, G g) { return put_list(g, parse_network, s.places().networks); }},
                     {"countries", Kind::list, "",
                      "The countries of clients that are near, by their codes in ISO 3166-1: `DE`. Known by "
                      "`placement.header` or `placement.database`.",
                      [](S s, G g) { return put_list(g, parse_country, s.places().countries); }},
                     {"continents", Kind::list, "",
                      "The same by continent, where no region has the country: AF, AN, AS, EU, NA, OC, SA.",
                      [](S s, G g) { return put_list(g, parse_continent, s.places().continents); }},
                     {"fallback", Kind::list, "",
                      "The regions that stand in for this one while it is down, in this order. Empty: none, "
                      "new uploads are then answered 503.",
                      [](S s, G g) { return put_list(g, parse_region_name, s.places().fallback); },
                      Secrecy::open, "all others: the default region, then by name"}},
         .make =
             [](Config& config, const std::vector<std::string>& names) {
                 config.regions[names.at(0)].name = names.at(0);
             },
         .single = "default"},
        {.pattern = "placement",
         .prefix = "placement",
         .help = "Which of several regions a new upload goes to that names none: the one near whoever sends "
                 "the file. `docs/regions.md` has examples.",
         .options =
             {{"default_region", Kind::text, "", "The region of clients of which nothing is known.",
               [](S s, G g) { return put_parsed(g, parse_region_name, s.config.placement.default_region); },
               Secrecy::open, "the only region, or the one called `default`"},
              {"header", Kind::text, "",
               "A header in which the CDN says where the client is: `CF-IPCountry`. Believed from "
               "`server.trusted_proxies` alone; asked first.",
               [](S s, G g) { return put_parsed(g, parse_field_name, s.config.placement.rules.header); },
               Secrecy::open, "none"},
              {"header_says", Kind::choice, choice_text(kHeaderSays, standard().placement.rules.says),
               "What its value is: country, continent (as in `regions.NAME`), region (a NAME).",
               [](S s, G g) { return put_choice(g, kHeaderSays, s.config.placement.rules.says); }},
              {"database", Kind::file, "",
               "A file in MaxMind's format (GeoLite2-Country.mmdb) that says where an address is; asked "
               "where no network contains it. Opened again at SIGHUP.",
               [](S s, G g) { return put(read_text(g), s.config.placement.rules.database); }, Secrecy::open,
               "none"},
              {"probe_interval", Kind::duration, duration_text(standard().placement.probe_interval),
               "How often each of several regions is asked whether it answers.",
               [](S s, G g) {
                   return put(read_duration(g, {100ms, 5min}), s.config.placement.probe_interval);
               }}}},
    };
}

}  // namespace photogate::gateway::config
