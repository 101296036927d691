#include "gateway/config/validate.hpp"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample.hpp"

namespace photogate::gateway::config {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): this file's own samples
using ::testing::HasSubstr;

std::size_t lines(const std::string& text) {
    return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

/// The valid sample with a line put into one of its tables, and what is said of it: `<line>: <message>`.
struct Case {
    const char* table;
    const char* line;
    const char* message;
};

std::string with_line(const std::string& table, const std::string& line) {
    auto text = kValid;
    const auto at = text.find(table + "\n");
    if (at == std::string::npos) return text + table + "\n" + line + "\n";
    return text.insert(at + table.size() + 1, line + "\n");
}

std::size_t line_number(const std::string& text, const std::string& line) {
    return 1 + lines(text.substr(0, text.find("\n" + line + "\n") + 1));
}

class OneMistake : public ::testing::TestWithParam<Case> {};

TEST_P(OneMistake, is_reported_alone_with_its_line) {
    const auto& c = GetParam();
    const auto text = with_line(c.table, c.line);
    const auto said = mistakes_of(load_text(text));
    // Of two lines the second is wrong.
    const auto line = line_number(text, c.line) + lines(c.line);
    EXPECT_THAT(said, HasSubstr("photogate.toml:" + std::to_string(line) + ": "));
    EXPECT_THAT(said, HasSubstr(c.message));
    EXPECT_EQ(lines(said), 1U) << said;
}

constexpr const char* kProfileTable = "[apps.shop.profiles.doorstep]";
constexpr const char* kRegionTable = "[regions.default]";

INSTANTIATE_TEST_SUITE_P(
    Config, OneMistake,
    ::testing::Values(
        Case{"[server]", "listen = []", "server.listen names no address"},
        Case{"[server]", "listen = [\"photos.example:80\"]",
             "server.listen has 'photos.example:80': an address to listen on is"},
        Case{"[server]", "listen = [\"127.0.0.1:99999\"]", "an address to listen on is"},
        Case{"[server]", "listen = [\"127.0.0.1:1\", \"127.0.0.1:1\"]", "names 127.0.0.1:1 twice"},
        Case{"[server]", "metrics_listen = \"127.0.0.1:8080\"", "which server.listen has"},
        Case{"[server]", "public_url = \"photos.example\"", "server.public_url is not valid"},
        Case{"[server]", "allowed_hosts = [\"photos.example:80\"]", "a host is a name or an address"},
        Case{"[server]", "io_threads = 0", "server.io_threads is 0, but must be 1 to 256"},
        Case{"[server]", "io_threads = \"2\"", "must be an integer, but is a text"},
        Case{"[server]", "cors_origins = [\"*\", \"https://a.example\"]", "has '*' beside others"},
        Case{"[server]", "cors_origins = [\"a.example\"]", "is not an endpoint"},
        Case{"[server]", "trusted_proxies = [\"10.0.0.0/33\"]", "at most 32 bits"},
        Case{"[server]", "trusted_proxies = [\"proxy.example\"]", "an address, or a block"},
        Case{"[server]", "access_log = \"some\"", "all, failures, none"},
        Case{"[server]", "max_connections_per_address = -1", "is -1, but must be 0 to 1000000"},
        Case{"[server]", "max_body = \"1GiB\"", "is 1GiB, but must be 1KiB to 64MiB"},
        Case{"[server]", "header_timeout = \"soon\"", "must be a duration"},
        Case{"[database]", "connections = 0", "database.connections is 0"},
        Case{"[worker]", "lease = \"5500ms\"", "must be whole seconds"},
        Case{"[worker]", "poll = \"2m\"", "worker.poll is longer than worker.lease"},
        Case{"[callbacks]", "allowed_networks = [\"10.0.0.0/33\"]",
             "callbacks.allowed_networks is not valid"},
        Case{"[callbacks]", "allowed_hosts = [\"https://a.example\"]",
             "a host is a name, *.name or an address"},
        Case{"[callbacks]", "per_url = 17", "is more than callbacks.senders"},
        Case{"[delivery]", "disk_cache = \"1GiB\"", "needs delivery.disk_cache_path"},
        Case{"[log]", "level = \"loud\"", "log.level is 'loud', but must be one of debug, info, warn, error"},
        Case{"[log]", "format = 3.5", "must be a text, but is a number with a fraction"},
        Case{kRegionTable, "style = \"host\"", "must be one of path, virtual-host"},
        Case{kRegionTable, "public_endpoint = \"http://a/b\"", "public_endpoint is not valid"},
        Case{kRegionTable, "public_bucket = \"photogate-incoming\"",
             "which is regions.default.incoming_bucket already"},
        Case{kRegionTable, "originals_bucket = \"No_Bucket\"", "originals_bucket is not valid"},
        Case{kRegionTable, "networks = [\"10.0.0.1/8\"]", "no bits of a host behind its length"},
        Case{kRegionTable, "networks = [\"10.0.0.0/8\", \"10.0.0.0/8\"]",
             "has a network that region default has already"},
        Case{kRegionTable, "countries = [\"GER\"]", "two letters of ISO 3166-1"},
        Case{kRegionTable, "countries = [\"DE\", \"de\"]", "has 'DE', which region default has already"},
        Case{kRegionTable, "continents = [\"XX\"]", "AF, AN, AS, EU, NA, OC or SA"},
        Case{kRegionTable, "fallback = [\"elsewhere\"]", "names 'elsewhere', which is no region"},
        Case{kRegionTable, "fallback = [\"default\"]", "names the region itself"},
        Case{"[placement]", "header = \"CF IPCountry\"", "a header's name has letters"},
        Case{"[placement]", "default_region = \"elsewhere\"", "names 'elsewhere', which is no region"},
        Case{"[placement]", "database = \"/proc/self/status\"", "is no database in MaxMind's format"},
        Case{"[placement]", "probe_interval = \"1ms\"", "must be 100ms to 5m"},
        Case{"[worker]", "regions = [\"elsewhere\"]", "names 'elsewhere', which is no region"},
        Case{"[apps.shop]", "callback_url = \"https://a.example/hook\"", "needs callback_secrets"},
        Case{"[apps.shop]", "callback_secrets = []", "apps.shop.callback_secrets has no secret"},
        Case{"[apps.shop]", "callback_secrets = [\"whsec_short\"]",
             "must be whsec_ and the base64 of 24 to 64 bytes each"},
        Case{"[apps.shop.hooks]", "before_grant = \"https://a.example/hook\"",
             "needs callback_secrets of the app"},
        Case{"[apps.shop.hooks]", "timeout = \"31s\"", "is 31s, but must be 100ms to 30s"},
        Case{"[apps.shop.hooks]", "on_failure = \"ajar\"", "must be one of closed, open"},
        Case{"[apps.shop.profiles.doorstep.hooks]", "before_publish = \"https://a.example/hook\"",
             "needs callback_secrets of the app"},
        Case{"[scanner]", "kind = \"clamav\"", "must be one of none, clamd, icap"},
        Case{"[scanner]", "kind = \"clamd\"", "scanner.address is required"},
        Case{"[scanner]", "kind = \"clamd\"\naddress = \"clamd\"", "a clamd is HOST:PORT"},
        Case{"[scanner]", "kind = \"icap\"", "is icap: scanner.address is required"},
        Case{"[scanner]", "kind = \"icap\"\naddress = \"127.0.0.1:1344\"", "an ICAP service is icap://"},
        Case{"[scanner]", "kind = \"icap\"\naddress = \"icaps://av.example/avscan\"",
             "icaps is not supported"},
        Case{"[scanner]", "on_limit = \"wait\"", "must be one of reject, publish"},
        Case{"[apps.shop.hooks]", "include_original_url = \"yes\"", "include_original_url"},
        Case{kProfileTable, "quality = 101", "quality is 101, but must be 1 to 100"},
        Case{kProfileTable, "formats = [\"svg\"]", "formats has 'svg': a format is jpeg"},
        Case{kProfileTable, "formats = []", "formats names no format"},
        Case{kProfileTable, "methods = [\"patch\"]", "a method is put, post or multipart"},
        Case{kProfileTable, "longest_expiry = \"8d\"", "is 8d, but must be 1s to 7d"},
        Case{kProfileTable, "default_expiry = \"2h\"", "is 2h, longer than longest_expiry (1h)"},
        Case{kProfileTable, "max_total_pixels = 1", "is less than max_pixels"},
        Case{kProfileTable, "output = \"gif\"", "must be one of auto, jpeg, png, webp, avif"}));

std::string with_hooks(const std::string& tables) {
    auto text = kValid;
    return text.insert(text.find("[apps.shop.profiles"),
                       "callback_secrets = [\"" + kCallbackSecret + "\"]\n") +
           tables;
}

TEST(Validate, profile_without_hooks_has_those_of_its_app) {
    const auto loaded = load_text(
        with_hooks("[apps.shop.profiles.avatars]\n[apps.shop.profiles.avatars.hooks]\ntimeout = \"1s\"\n"
                   "[apps.shop.hooks]\nbefore_grant = \"https://a.example/hook\"\non_failure = \"open\"\n"));
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    const auto& profiles = loaded->config.apps.at(AppName::trusted("shop")).profiles;
    const auto& inherited = profiles.at(ProfileName::trusted("doorstep")).hooks;
    EXPECT_EQ(inherited.before_grant, "https://a.example/hook");
    EXPECT_EQ(inherited.on_failure, model::Hooks::OnFailure::open);
    const auto& own = profiles.at(ProfileName::trusted("avatars")).hooks;
    EXPECT_EQ(own.before_grant, std::nullopt) << "its own table stands in place of the whole";
    EXPECT_EQ(own.timeout, std::chrono::seconds{1});
}

TEST(Validate, hooks_go_where_callbacks_may_go) {
    for (const auto* url : {"http://a.example/hook", "https://127.0.0.1/hook", "https://169.254.169.254/",
                            "ftp://a.example/"}) {
        EXPECT_THAT(mistakes_of(load_text(
                        with_hooks("[apps.shop.hooks]\nbefore_publish = \"" + std::string{url} + "\"\n"))),
                    HasSubstr("apps.shop.hooks.before_publish is not valid"));
    }
}

TEST(Validate, warns_of_a_link_to_the_original_that_nobody_is_given) {
    const std::string table =
        "[apps.shop.hooks]\nbefore_grant = \"https://a.example/hook\"\ninclude_original_url = true\n";
    const auto loaded = load_text(with_hooks(table));
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    ASSERT_EQ(loaded->warnings.size(), 1U);
    EXPECT_THAT(loaded->warnings[0].text(),
                HasSubstr("include_original_url has no effect without before_publish"));
    EXPECT_EQ(loaded->config.apps.at(AppName::trusted("shop")).hooks.original,
              model::Hooks::Original::linked);
}

TEST(Validate, scanner_takes_what_every_profile_takes) {
    const std::string scanner = "[scanner]\nkind = \"clamd\"\naddress = \"/run/clamav/clamd.ctl\"\n";
    EXPECT_TRUE(load_text(kValid + scanner)) << mistakes_of(load_text(kValid + scanner));
    auto larger = kValid;
    larger.insert(larger.find("[events"), "max_size = \"26MiB\"\n");
    EXPECT_THAT(
        mistakes_of(load_text(larger + scanner)),
        HasSubstr("scanner.max_stream is 25MiB, less than max_size (26MiB) of apps.shop.profiles.doorstep"));
    EXPECT_TRUE(load_text(larger + scanner + "max_stream = \"30MiB\"\n"));
}

TEST(Validate, names_missing_option_with_its_table) {
    const auto said = mistakes_of(load_text("[regions.here]\n[apps.shop]\n[events.minio]\n"));
    for (const auto* expected :
         {"photogate.toml:1: regions.here.endpoint is required",
          "photogate.toml:1: regions.here.signer_secret_key is required",
          "photogate.toml:2: apps.shop has no profile", "photogate.toml:2: apps.shop.keys names no key",
          "photogate.toml:3: events.minio.tokens is required", "database.url is required"}) {
        EXPECT_THAT(said, HasSubstr(expected));
    }
    EXPECT_THAT(mistakes_of(load_text("")), HasSubstr("regions are missing"));
    EXPECT_THAT(mistakes_of(load_text("")), HasSubstr("apps are missing"));
}

TEST(Validate, reports_all_mistakes_in_file_order) {
    const auto said =
        mistakes_of(load_text("[server]\nio_threads = 0\nlisen = 1\n[log]\nlevel = \"loud\"\n" + kValid,
                              {{{"PHOTOGATE_SERVER_MAX_BODY", "x"}}, {{"--server-idle-timeout", {"y"}}}}));
    const auto first = said.find("photogate.toml:2: "), second = said.find("photogate.toml:3: "),
               third = said.find("photogate.toml:5: ");
    const auto variable = said.find("environment PHOTOGATE_SERVER_MAX_BODY: server.max_body must be a size");
    const auto flagged = said.find("flag --server-idle-timeout: server.idle_timeout must be a duration");
    EXPECT_TRUE(first < second && second < third && third < variable && third < flagged) << said;
    EXPECT_NE(variable, std::string::npos) << said;
    EXPECT_NE(flagged, std::string::npos) << said;
    EXPECT_EQ(lines(said), 5U) << said;
}

TEST(Validate, rejects_shared_key_for_signer_and_worker_unless_unsafe) {
    auto text = kValid;
    text.replace(text.find("\"worker\""), 8, "\"signer\"");
    EXPECT_THAT(mistakes_of(load_text(text)),
                HasSubstr("regions.default.signer_access_key is the worker's too"));
    const auto allowed = load_text("unsafe = true\n" + text);
    ASSERT_TRUE(allowed) << mistakes_of(allowed);
    EXPECT_EQ(allowed->config.unsafe, UnsafeStore::allow);
    EXPECT_THAT(warnings_of(allowed), HasSubstr("is the worker's too, which unsafe allows"));
}

TEST(Validate, rejects_credentialed_cors_for_every_origin) {
    EXPECT_THAT(
        mistakes_of(load_text(kValid + "[server]\ncors_origins = [\"*\"]\ncors_credentials = \"allowed\"\n")),
        HasSubstr("server.cors_credentials is 'allowed' for the origin '*'"));
    EXPECT_TRUE(load_text(kValid + "[server]\ncors_origins = [\"*\"]\n"));
    EXPECT_TRUE(load_text(
        kValid + "[server]\ncors_origins = [\"https://a.example\"]\ncors_credentials = \"allowed\"\n"));
}

TEST(Validate, warns_of_local_store_when_serving_other_machines) {
    EXPECT_THAT(
        warnings_of(load_text(kValid + "[server]\nlisten = [\"0.0.0.0:8080\"]\n")),
        HasSubstr(
            "regions.default.public_endpoint is http://127.0.0.1:9000, but the server listens elsewhere"));
    EXPECT_EQ(warnings_of(load_text(kValid + kServer)), "");
}

TEST(Validate, warns_that_callbacks_would_name_images_by_path_alone) {
    const std::string url =
        "callback_url = \"https://shop.example/hook\"\ncallback_secrets = [\"" + kCallbackSecret + "\"]\n";
    auto told = kValid;
    told.insert(told.find("[apps.shop.profiles"), url);
    const std::string hosts = "[callbacks]\nallowed_hosts = [\"shop.example\"]\n";
    const auto warning =
        HasSubstr("server.public_url is not set, so callbacks contain image URLs without scheme and host");
    EXPECT_THAT(warnings_of(load_text(told)), warning);
    EXPECT_THAT(warnings_of(load_text(kValid + hosts)), warning) << "an upload may name a URL of its own";
    const std::string known = "[server]\npublic_url = \"https://photos.example\"\n";
    EXPECT_EQ(warnings_of(load_text(told + known)), "");
    EXPECT_EQ(warnings_of(load_text(kValid + hosts + known)), "");
    EXPECT_EQ(warnings_of(load_text(kValid)), "") << "nobody is called";
}

TEST(Validate, warns_of_public_url_that_leads_nowhere) {
    const auto warned = [](const std::string& server) {
        return warnings_of(load_text(kValid + "[server]\n" + server)).find("server.public_url") !=
               std::string::npos;
    };
    EXPECT_TRUE(warned("public_url = \"http://127.0.0.1:8081\"\n"));
    EXPECT_TRUE(warned("public_url = \"http://localhost\"\n"));
    EXPECT_FALSE(warned("public_url = \"http://127.0.0.1:8080\"\n"));
    EXPECT_FALSE(warned("public_url = \"http://localhost:7\"\nlisten = [\"127.0.0.1:6\", \"[::1]:7\"]\n"));
    EXPECT_FALSE(warned("public_url = \"https://photos.example\"\n"));
}

TEST(Validate, rejects_same_bucket_in_two_regions_of_one_store) {
    auto second = kRegion;
    second.replace(second.find("default"), 7, "second");
    EXPECT_THAT(
        mistakes_of(load_text(kValid + second)),
        HasSubstr("regions.second.incoming_bucket is 'photogate-incoming', which is regions.default"));
    second.replace(second.find("9000"), 4, "9001");
    EXPECT_TRUE(load_text(kValid + "region = \"default\"\n" + second));
}

TEST(Validate, accepts_short_tokens_only_for_tests) {
    const auto with_dialect = [](const std::string& dialect) {
        return load_text(kDatabase + kRegion + kApp + "[events.x]\ntokens = [\"short\"]\ndialect = \"" +
                         dialect + "\"\n");
    };
    EXPECT_THAT(mistakes_of(with_dialect("minio")),
                HasSubstr("events.x.tokens has a token of 5 characters, but at least 32 are needed"));
    EXPECT_TRUE(with_dialect("test"));
}

TEST(Validate, holds_each_sender_to_the_proof_that_it_can_give) {
    const auto source = [](const std::string& rest) {
        return load_text(kDatabase + kRegion + kApp + "[events.x]\n" + rest);
    };
    const std::string tokens = "tokens = [\"" + kToken + "\"]\n";
    const std::string sns =
        "dialect = \"sns\"\nsns_topics = [\"arn:aws:sns:eu-west-1:123456789012:photos\"]\n";
    const std::string r2 =
        "dialect = \"r2\"\nqueue_url = \"https://api.cloudflare.com/client/v4/accounts/a/queues/q\"\n";
    const std::string gcs = "dialect = \"gcs\"\noidc_audience = \"a\"\noidc_email = \"e\"\n";
    EXPECT_EQ(source(sns)->config.events.at("x").authentication, EventAuthentication::sns);
    EXPECT_EQ(source(gcs)->config.events.at("x").authentication, EventAuthentication::oidc);
    EXPECT_EQ(source("dialect = \"b2\"\n" + tokens)->config.events.at("x").authentication,
              EventAuthentication::b2);
    EXPECT_EQ(source("dialect = \"ceph\"\n" + tokens)->config.events.at("x").authentication,
              EventAuthentication::bearer);
    EXPECT_TRUE(source(r2 + "queue_token = \"t\"\n"));
    EXPECT_TRUE(source("dialect = \"gcs\"\nauthentication = \"query\"\n" + tokens));
    const std::pair<std::string, const char*> wrong[] = {
        {"dialect = \"sns\"\n", "events.x.sns_topics is required for sns"},
        {"dialect = \"sns\"\nauthentication = \"bearer\"\n" + tokens,
         "events.x.authentication is sns with the dialect sns"},
        {"dialect = \"s3\"\nauthentication = \"sns\"\n" + tokens,
         "events.x.authentication is sns with the dialect sns"},
        {"dialect = \"s3\"\nauthentication = \"b2\"\n" + tokens,
         "events.x.authentication is b2, which only Backblaze sends"},
        {"dialect = \"gcs\"\n", "events.x.oidc_audience is required for oidc"},
        {"dialect = \"b2\"\n", "events.x.tokens is required"},
        {"dialect = \"r2\"\n", "events.x.tokens is required"},
        {r2, "events.x.queue_token is required beside queue_url"},
        {"dialect = \"s3\"\nqueue_token = \"t\"\nqueue_url = \"https://x/y\"\n",
         "events.x.queue_url is a queue of R2's events"},
        {"dialect = \"r2\"\nqueue_url = \"http://api.cloudflare.com/q\"\n", "http is for this machine alone"},
        {"dialect = \"sns\"\nsns_topics = [\"photos\"]\n", "a topic is arn:aws:sns:REGION:ACCOUNT:NAME"},
        {sns + "sns_hosts = [\"https://x/\"]\n", "a host is HOST or HOST:PORT"},
        {sns + "allowed_networks = [\"x\"]\n", "events.x.allowed_networks is not valid"},
        {sns + "tokens = [\"short\"]\n", "at least 32 are needed"},
        {"header = \"x y\"\n" + tokens, "a header's name has letters"}};
    for (const auto& [text, message] : wrong)
        EXPECT_THAT(mistakes_of(source(text)), HasSubstr(message)) << text;
}

TEST(Validate, derives_key_encoding_from_dialect_unless_set) {
    const auto encoding = [](const std::string& rest) {
        const auto loaded =
            load_text(kDatabase + kRegion + kApp + "[events.x]\ntokens = [\"" + kToken + "\"]\n" + rest);
        return loaded->config.events.at("x").key_encoding;
    };
    EXPECT_EQ(encoding("dialect = \"s3\"\n"), notifier::events::KeyEncoding::form);
    EXPECT_EQ(encoding("dialect = \"versitygw\"\n"), notifier::events::KeyEncoding::raw);
    EXPECT_EQ(encoding("dialect = \"ceph\"\nkey_encoding = \"form\"\n"), notifier::events::KeyEncoding::form);
}

/// Another region at a store of its own, with the default buckets but for its incoming one.
std::string region(const std::string& name, const std::string& incoming) {
    auto text = kRegion;
    text.replace(text.find("default"), 7, name);
    text.replace(text.find("127.0.0.1"), 9, name + ".example");
    return text + "incoming_bucket = \"" + incoming + "\"\n";
}

Loading with_sources(const std::string& regions, const std::string& rest_of_source) {
    return load_text(kDatabase + regions + kApp + kEvents + rest_of_source);
}

TEST(Validate, names_pixel_ceiling_that_cannot_be_reached) {
    const auto ceiling =
        with_line(kProfileTable, "max_pixels = 1000000000\nmax_total_pixels = 1000000000\nmax_side = 65535");
    EXPECT_THAT(warnings_of(load_text(ceiling)),
                HasSubstr("max_pixels is 1000000000, which imaging.address_space (2GiB)"));
    EXPECT_THAT(warnings_of(load_text(ceiling)), HasSubstr("heic "));
    const auto less_memory = with_line("[imaging]", "address_space = \"512MiB\"");
    EXPECT_THAT(warnings_of(load_text(less_memory)), HasSubstr("address_space (512MiB)"));
    EXPECT_EQ(warnings_of(load_text(with_line(kProfileTable, "max_pixels = 1000000"))), "");
}

TEST(Validate, event_source_speaks_for_the_only_region) {
    const auto loaded = with_sources(kRegion, "");
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    EXPECT_EQ(loaded->config.events.at("minio").regions, std::vector<std::string>{"default"});
    EXPECT_EQ(warnings_of(loaded).find("region"), std::string::npos) << warnings_of(loaded);
}

TEST(Validate, event_source_names_one_region_or_several) {
    const auto regions = region("eu", "in-eu") + region("us", "in-us");
    const auto one = with_sources(regions, "region = \"us\"\n");
    ASSERT_TRUE(one) << mistakes_of(one);
    EXPECT_EQ(one->config.events.at("minio").regions, std::vector<std::string>{"us"});
    const auto both = with_sources(regions, "region = [\"us\", \"eu\"]\n");
    ASSERT_TRUE(both) << mistakes_of(both);
    EXPECT_EQ(both->config.events.at("minio").regions, (std::vector<std::string>{"us", "eu"}));
}

TEST(Validate, warns_of_event_source_believed_for_several_regions) {
    const auto loaded = with_sources(region("eu", "in-eu") + region("us", "in-us"), "");
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    EXPECT_EQ(loaded->config.events.at("minio").regions, (std::vector<std::string>{"eu", "us"}));
    EXPECT_THAT(warnings_of(loaded),
                HasSubstr("events.minio.region is not set, so the source is believed for every "
                          "region (eu, us)"));
}

TEST(Validate, requires_region_of_event_source_where_incoming_buckets_share_a_name) {
    const auto regions = region("eu", "incoming") + region("us", "incoming");
    EXPECT_THAT(
        mistakes_of(with_sources(regions, "")),
        HasSubstr("events.minio.region is required: the incoming buckets of the regions eu and us are both "
                  "'incoming'"));
    EXPECT_EQ(mistakes_of(with_sources(regions, "region = \"us\"\n")), "(none)");
    EXPECT_THAT(mistakes_of(with_sources(regions, "region = [\"eu\", \"us\"]\n")),
                HasSubstr("events.minio.region names eu and us, whose incoming buckets are both 'incoming'"));
}

TEST(Validate, rejects_event_source_of_unknown_repeated_or_no_region) {
    EXPECT_THAT(mistakes_of(with_sources(kRegion, "region = \"mars\"\n")),
                HasSubstr("events.minio.region names 'mars', which is no region"));
    EXPECT_THAT(mistakes_of(with_sources(kRegion, "region = [\"default\", \"default\"]\n")),
                HasSubstr("events.minio.region names 'default' twice"));
    EXPECT_THAT(mistakes_of(with_sources(kRegion, "region = []\n")),
                HasSubstr("events.minio.region names no region"));
    EXPECT_THAT(mistakes_of(with_sources(kRegion, "region = 5\n")), HasSubstr("must be a list"));
}

TEST(Validate, event_source_does_not_speak_for_built_in_store_unless_told) {
    const auto regions =
        kRegion + "[store]\nfolder = \"/tmp/photogate-store\"\nlisten = \"127.0.0.1:9002\"\n";
    const auto loaded = with_sources(regions, "");
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    EXPECT_EQ(loaded->config.events.at("minio").regions, std::vector<std::string>{"default"});
    const auto told = with_sources(regions, "region = \"built-in\"\n");
    ASSERT_TRUE(told) << mistakes_of(told);
    EXPECT_EQ(told->config.events.at("minio").regions, std::vector<std::string>{"built-in"});
}

TEST(Validate, parses_every_dialect_unless_one_is_declared) {
    using notifier::events::Dialect;
    EXPECT_EQ(with_sources(kRegion, "")->config.events.at("minio").dialect, Dialect::automatic);
    EXPECT_EQ(with_sources(kRegion, "dialect = \"ceph\"\n")->config.events.at("minio").dialect,
              Dialect::ceph);
}

TEST(Validate, applies_callback_url_policy) {
    const auto said = [](const std::string& url, const std::string& rest) {
        auto text = kValid;
        text.insert(text.find("[apps.shop.profiles"),
                    "callback_url = \"" + url + "\"\ncallback_secrets = [\"" + kCallbackSecret + "\"]\n");
        return mistakes_of(load_text(text + rest));
    };
    EXPECT_EQ(said("https://app.example/hooks/photos?x=1", ""), "(none)");
    EXPECT_THAT(said("http://app.example/hook", ""), HasSubstr("apps.shop.callback_url is not valid"));
    EXPECT_EQ(said("http://app.example/hook", "[callbacks]\nhttp_hosts = [\"app.example\"]\n"), "(none)");
    EXPECT_THAT(said("https://127.0.0.1/hook", ""), HasSubstr("apps.shop.callback_url is not valid"));
    EXPECT_EQ(said("http://127.0.0.1:3000/hook",
                   "[callbacks]\nhttp_hosts = [\"127.0.0.1\"]\nallowed_networks = [\"127.0.0.0/8\"]\n"),
              "(none)");
    EXPECT_THAT(said("ftp://app.example", ""), HasSubstr("apps.shop.callback_url is not valid"));
}

TEST(Validate, accepts_callback_hosts_with_port) {
    const auto hosts = [](const std::string& list) {
        const auto loaded = load_text(kValid + "[callbacks]\nallowed_hosts = [" + list + "]\n");
        return loaded ? loaded->config.callbacks.policy.allowed_hosts
                      : std::vector<std::string>{mistakes_of(loaded)};
    };
    EXPECT_EQ(hosts("\"App.example:8443\", \"*.app.example:*\", \"[::1]:3000\", \"[::1]\""),
              (std::vector<std::string>{"app.example:8443", "*.app.example:*", "[::1]:3000", "[::1]"}));
    for (const auto* wrong : {"\"a:0\"", "\"a:x\"", "\"*\"", "\"a/b\"", "\":80\"", "\"*.:1\"", "\"\""}) {
        EXPECT_THAT(hosts(wrong).at(0), HasSubstr("a host is a name, *.name or an address")) << wrong;
    }
}

TEST(Validate, limits_operators_to_keys) {
    const std::string line = "sha256:" + std::string(64, 'b');
    const auto loaded =
        load_text(kValid + "[apps.support]\nrole = \"operator\"\nkeys = [\"" + line + "\"]\n");
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    EXPECT_EQ(loaded->config.apps.size(), 1U);
    EXPECT_EQ(loaded->config.keys.size(), 2U);
    EXPECT_THAT(mistakes_of(load_text(kValid + "[apps.support]\nrole = \"operator\"\nkeys = [\"" + line +
                                      "\"]\n[apps.support.profiles.a]\n")),
                HasSubstr("apps.support.profiles belong to apps"));
}

TEST(Validate, rejects_two_apps_with_one_key) {
    EXPECT_THAT(mistakes_of(load_text(kValid + "[apps.other]\nkeys = [\"" + kHashLine +
                                      "\"]\n[apps.other.profiles.a]\n")),
                HasSubstr("has a key that stands elsewhere too"));
}

}  // namespace
}  // namespace photogate::gateway::config
