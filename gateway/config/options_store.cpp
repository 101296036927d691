#include <array>

#include "gateway/config/defaults.hpp"
#include "gateway/config/options.hpp"
#include "gateway/config/setters.hpp"

namespace photogate::gateway::config {
namespace {

using S = const Scope&;
using G = const RawValue&;
using signer::AddressingStyle;

constexpr std::array kStyles = {Choice<AddressingStyle>{"path", AddressingStyle::path},
                                Choice<AddressingStyle>{"virtual-host", AddressingStyle::virtual_host}};

Result<std::string> parse_domain(std::string_view text) {
    const auto endpoint = parse_endpoint("http://" + std::string{text});
    if (!endpoint || endpoint->port || text.find_first_of("/[") != std::string_view::npos)
        return fail(ErrorCode::invalid_field, "a domain is a name, without scheme, port or path");
    return endpoint->host;
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
                      Secrecy::secret, "required"}},
         .make =
             [](Config& config, const std::vector<std::string>& names) {
                 config.regions[names.at(0)].name = names.at(0);
             },
         .single = "default"},
    };
}

}  // namespace photogate::gateway::config
