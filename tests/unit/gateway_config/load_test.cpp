#include "gateway/config/load.hpp"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sample.hpp"

namespace photogate::gateway::config {
namespace {

using namespace std::chrono_literals;
using namespace testing;  // NOLINT(google-build-using-namespace): this file's own samples
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Load, fills_minimal_configuration_with_every_default) {
    const auto loaded = load_text(kValid);
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    const auto& config = loaded->config;
    ASSERT_EQ(config.server.listen.size(), 1U);
    EXPECT_EQ(config.server.listen[0].text(), "127.0.0.1:8080");
    EXPECT_EQ(config.server.metrics_listen.text(), "127.0.0.1:9180");
    EXPECT_GE(config.server.io_threads, 1U);
    EXPECT_EQ(config.imaging.program, "/opt/photogate/bin/photogate-imager");
    EXPECT_EQ(config.worker.concurrency, config.imaging.processes + 2);
    EXPECT_EQ(config.worker.store_concurrency, config.worker.concurrency);
    EXPECT_EQ(config.unsafe, UnsafeStore::reject);
    EXPECT_EQ(config.default_region, "default");
    const auto& region = config.regions.at("default");
    EXPECT_EQ(region.external, region.internal);
    EXPECT_EQ(region.incoming.str(), "photogate-incoming");
    EXPECT_EQ(region.signer.secret_access_key.reveal(), kSignerSecret);
    EXPECT_EQ(config.events.at("minio").key_encoding, notifier::events::KeyEncoding::form);
    EXPECT_EQ(config.keys.size(), 1U);
}

TEST(Load, trusts_local_proxies_and_the_named_ones) {
    const auto is_trusted = [](const std::string& more, const char* address) {
        const auto loaded = load_text(kValid + more);
        EXPECT_TRUE(loaded) << mistakes_of(loaded);
        const auto& trusted = loaded->config.server.trusted_proxies;
        return std::any_of(trusted.begin(), trusted.end(),
                           [&](const IpBlock& block) { return block.contains(*parse_ip_address(address)); });
    };
    EXPECT_TRUE(is_trusted("", "127.0.0.1"));
    EXPECT_TRUE(is_trusted("", "::1"));
    EXPECT_FALSE(is_trusted("", "10.0.0.1"));
    const std::string named = "[server]\ntrusted_proxies = [\"10.0.0.0/24\"]\n";
    EXPECT_TRUE(is_trusted(named, "10.0.0.1"));
    EXPECT_FALSE(is_trusted(named, "127.0.0.1"));
    EXPECT_FALSE(is_trusted("[server]\ntrusted_proxies = []\n", "127.0.0.1"));
}

TEST(Load, gathers_the_places_of_all_regions) {
    const auto second = [] {
        auto text = kRegion;
        text.replace(text.find("default"), 7, "far");
        text.replace(text.find("9000"), 4, "9001");
        return text +
               "incoming_bucket = \"far-incoming\"\nnetworks = [\"10.9.0.0/16\"]\ncountries = "
               "[\"us\"]\ncontinents = [\"NA\"]\nfallback = []\n";
    }();
    const auto loaded = load_text(
        kValid + second +
        "[placement]\nheader = \"CF-IPCountry\"\ndefault_region = \"far\"\n[worker]\nregions = [\"far\"]\n");
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    const auto& config = loaded->config;
    EXPECT_EQ(config.default_region, "far");
    EXPECT_EQ(config.placement.rules.countries.at("US"), "far");
    EXPECT_EQ(config.placement.rules.continents.at("NA"), "far");
    EXPECT_EQ(*config.placement.rules.networks.find(*parse_ip_address("10.9.1.1")), "far");
    EXPECT_TRUE(config.placement.fallbacks.at("far").empty());
    EXPECT_FALSE(config.placement.fallbacks.contains("default")) << "all others stand in for it";
    EXPECT_FALSE(config.placement.rules.trusted_proxies.empty());
    EXPECT_EQ(config.worker.regions, std::vector<std::string>{"far"});
}

TEST(Load, takes_profile_defaults_from_the_profile_header) {
    const auto loaded = load_text(kValid);
    ASSERT_TRUE(loaded);
    const model::Profile standard;
    const auto& profile =
        loaded->config.apps.at(AppName::trusted("shop")).profiles.at(ProfileName::trusted("doorstep"));
    EXPECT_EQ(profile.name.str(), "doorstep");
    EXPECT_EQ(profile.formats, standard.formats);
    EXPECT_EQ(profile.limits.max_bytes, standard.limits.max_bytes);
    EXPECT_EQ(profile.limits.max_pixels, standard.limits.max_pixels);
    EXPECT_EQ(profile.limits.max_side, standard.limits.max_side);
    EXPECT_EQ(profile.limits.max_frames, standard.limits.max_frames);
    EXPECT_EQ(profile.limits.max_total_pixels, standard.limits.max_total_pixels);
    EXPECT_EQ(profile.recipe.version.max_edge, standard.recipe.version.max_edge);
    EXPECT_EQ(profile.recipe.version.quality, standard.recipe.version.quality);
    EXPECT_EQ(profile.recipe.version.format, standard.recipe.version.format);
    EXPECT_EQ(profile.methods, standard.methods);
    EXPECT_EQ(profile.default_expiry, standard.default_expiry);
    EXPECT_EQ(profile.longest_expiry, standard.longest_expiry);
    EXPECT_EQ(profile.original, standard.original);
    EXPECT_EQ(profile.rejected, standard.rejected);
}

TEST(Load, has_a_valid_default_for_every_option) {
    for (const auto& table : tables()) {
        std::vector<std::string> names{"a", "b", "c"};
        names.resize(static_cast<std::size_t>(std::count(table.pattern.begin(), table.pattern.end(), '*')));
        for (const auto& option : table.options) {
            if (option.fallback.empty()) continue;
            Config config;
            config.regions["a"];
            config.events["a"];
            config.purges["a"];
            config.apps[AppName::trusted("a")].profiles[ProfileName::trusted("b")];
            if (table.make) table.make(config, names);
            EXPECT_EQ(option.set(Scope{config, names}, Untyped{{std::string{option.fallback}}}), std::nullopt)
                << dotted(table, option);
        }
    }
}

TEST(Load, refuses_steps_of_versions_that_are_none) {
    for (const char* line :
         {"version_sizes = []", "version_sizes = [0]", "version_sizes = [16385]",
          "version_sizes = [800, 400]", "version_sizes = [400, 400]", "version_sizes = [\"wide\"]",
          "version_sizes = [1.5]", "version_qualities = [101]", "version_qualities = []",
          "version_formats = [\"heic\"]"}) {
        const auto loaded = load_text(kValid + "\n[apps.shop.profiles.raw]\n" + line + "\n");
        EXPECT_FALSE(loaded) << line;
        EXPECT_NE(mistakes_of(loaded).find("version_"), std::string::npos) << line;
    }
}

TEST(Load, passes_every_profile_option_to_the_profile) {
    const auto loaded = load_text(kValid + R"(
[apps.shop.profiles.raw]
formats = ["jpeg", "heic"]
max_size = "5MiB"
max_pixels = 1000
max_side = 2000
max_frames = 3
max_total_pixels = 4000
max_metadata = "3MiB"
publish = "strip"
damaged_intervals = "publish"
max_edge = 1024
output = "webp"
quality = 70
exif = "basic"
gps = "drop"
methods = ["post"]
unsized_put = "refused"
write_once = false
default_expiry = 60
longest_expiry = "7d"
original = "keep"
rejected = "remove"
version_sizes = [100, 2000]
free_sizes = true
private = true
version_formats = ["webp", "gif"]
version_qualities = [50]
version_while_making = "nearest"
expired_callback = "sent"
)");
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    const auto& p = loaded->config.apps.at(AppName::trusted("shop")).profiles.at(ProfileName::trusted("raw"));
    EXPECT_EQ(p.formats, (std::vector{imaging::Format::jpeg, imaging::Format::heic}));
    EXPECT_EQ(p.limits.max_bytes, 5U << 20);
    EXPECT_EQ(p.limits.max_pixels, 1000U);
    EXPECT_EQ(p.limits.max_side, 2000U);
    EXPECT_EQ(p.limits.max_frames, 3U);
    EXPECT_EQ(p.limits.max_total_pixels, 4000U);
    EXPECT_EQ(p.limits.max_metadata, 3U << 20);
    EXPECT_EQ(p.recipe.version.mode, imaging::PublishMode::strip);
    EXPECT_EQ(p.limits.damaged_intervals, imaging::DamagedIntervals::publish);
    EXPECT_EQ(p.recipe.version.max_edge, 1024U);
    EXPECT_EQ(p.recipe.version.format, imaging::Format::webp);
    EXPECT_EQ(p.recipe.version.quality, 70);
    EXPECT_EQ(p.recipe.facts.exif, imaging::ExifDetail::basic);
    EXPECT_EQ(p.recipe.facts.gps, imaging::GpsPolicy::drop);
    EXPECT_EQ(p.methods, std::vector{model::GrantMethod::post});
    EXPECT_EQ(p.delivery.ladder, (std::vector<std::uint32_t>{100, 2'000}));
    EXPECT_EQ(p.delivery.sizes, model::DeliveryPolicy::Sizes::free);
    EXPECT_EQ(p.delivery.audience, model::DeliveryPolicy::Audience::link_holders);
    EXPECT_TRUE(model::have_private_profile(loaded->config.apps));
    EXPECT_FALSE(model::have_private_profile(load_text(kValid)->config.apps));
    EXPECT_EQ(p.delivery.formats, (std::vector{imaging::Format::webp, imaging::Format::gif}));
    EXPECT_EQ(p.delivery.qualities, std::vector{50});
    EXPECT_EQ(p.delivery.while_making, model::DeliveryPolicy::WhileMaking::nearest);
    EXPECT_EQ(model::DeliveryPolicy{}.while_making, model::DeliveryPolicy::WhileMaking::wait);
    EXPECT_EQ(p.delivery.quality, 70);
    EXPECT_EQ(p.unsized_put, model::Profile::UnsizedPut::refused);
    EXPECT_EQ(p.write_once, model::Profile::WriteOnce::off);
    EXPECT_EQ(model::Profile{}.write_once, model::Profile::WriteOnce::on);
    EXPECT_EQ(p.default_expiry, 60s);
    EXPECT_EQ(p.longest_expiry, 604'800s);
    EXPECT_EQ(p.original, model::OriginalAction::keep);
    EXPECT_EQ(p.rejected, model::OriginalAction::remove);
    EXPECT_EQ(p.expired_callback, model::Profile::ExpiredCallback::sent);
}

TEST(Load, passes_every_variant_option_to_its_rule) {
    const auto loaded = load_text(kValid + R"(
[apps.shop.profiles.raw.variants.thumb]
width = 320
height = 240
fit = "cover"
gravity = "north_east"
format = "webp"
quality = 60
[apps.shop.profiles.raw.variants]
page = {width = 1280}
tall = {width = 600, height = 900, fit = "fill"}
)");
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    const auto& variants = loaded->config.apps.at(AppName::trusted("shop"))
                               .profiles.at(ProfileName::trusted("raw"))
                               .delivery.variants;
    ASSERT_EQ(variants.size(), 3U);
    const auto& thumb = variants.at("thumb");
    EXPECT_EQ(thumb.width, 320U);
    EXPECT_EQ(thumb.height, 240U);
    EXPECT_EQ(thumb.fit, model::VariantRule::Fit::cover);
    EXPECT_EQ(thumb.gravity, imaging::Gravity::north_east);
    EXPECT_EQ(thumb.format, imaging::Format::webp);
    EXPECT_EQ(thumb.quality, 60);
    const auto& page = variants.at("page");
    EXPECT_EQ(page.width, 1'280U);
    EXPECT_EQ(page.height, std::nullopt);
    EXPECT_EQ(page.fit, model::VariantRule::Fit::inside);
    EXPECT_EQ(page.gravity, imaging::Gravity::centre);
    EXPECT_EQ(page.format, std::nullopt);
    EXPECT_EQ(page.quality, std::nullopt);
    EXPECT_EQ(variants.at("tall").fit, model::VariantRule::Fit::fill);
}

TEST(Load, refuses_variants_that_can_not_be_made_and_says_which_and_why) {
    for (const char* line : {"x = {}", "x = {width = 0}", "x = {width = 16385}", "x = {width = \"wide\"}",
                             "x = {width = 10, fit = \"crop\"}", "x = {width = 10, gravity = \"up\"}",
                             "x = {width = 10, format = \"heic\"}", "x = {width = 10, quality = 101}",
                             "x = {width = 10, depth = 3}", "x = {width = 10, fit = \"cover\"}", "x = 10"}) {
        const auto loaded = load_text(kValid + "\n[apps.shop.profiles.raw.variants]\n" + line + "\n");
        EXPECT_FALSE(loaded) << line;
        EXPECT_THAT(mistakes_of(loaded), HasSubstr("variants")) << line;
    }
    std::string many = "\n[apps.shop.profiles.raw.variants]\n";
    for (int i = 0; i < 17; ++i)
        many += "v" + std::to_string(i) + " = {width = 10}\n";
    EXPECT_THAT(mistakes_of(load_text(kValid + many)), HasSubstr("16 are the most"));
}

TEST(Load, accepts_the_former_word_of_a_value) {
    const auto loaded = load_text(kValid + "\n[apps.shop.profiles.raw]\nexpired_callback = \"told\"\n");
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    const auto& app = loaded->config.apps.at(AppName::trusted("shop"));
    EXPECT_EQ(app.profiles.at(ProfileName::trusted("raw")).expired_callback,
              model::Profile::ExpiredCallback::sent);
    const auto wrong = load_text(kValid + "\n[apps.shop.profiles.raw]\nexpired_callback = \"loud\"\n");
    EXPECT_THAT(mistakes_of(wrong), HasSubstr("must be one of silent, sent"));
    EXPECT_THAT(mistakes_of(wrong), Not(HasSubstr("told")));
}

TEST(Load, passes_every_purge_option_to_its_hook) {
    const auto loaded = load_text(kValid + R"(
[purges.edge]
kind = "cloudflare"
id = "0123abcd"
token = "cf-token"
hosts = ["img.example", "www.example:8443"]
repeat_after = "5m"
[purges.fast]
kind = "fastly"
id = "SU1Z0isxPaozGVKXdv0eY"
token = "fastly-token"
[purges.front]
kind = "cloudfront"
id = "EDFDVBD632BHDS5"
access_key = "AKIDEXAMPLE"
secret_key = "cloudfront-secret"
api = "https://cloudfront.example"
[purges.varnish]
kind = "http"
url = "https://cache.example/i/{id}"
method = "BAN"
repeat_after = 0
)");
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    const auto& hooks = loaded->config.purges;
    ASSERT_EQ(hooks.size(), 4U);
    using notifier::purges::CacheKind;
    using notifier::purges::endpoint_of;
    const auto& edge = hooks.at("edge");
    EXPECT_EQ(edge.name, "edge");
    EXPECT_EQ(edge.kind, CacheKind::cloudflare);
    EXPECT_EQ(edge.token.reveal(), "cf-token");
    EXPECT_EQ(edge.hosts, (std::vector<std::string>{"img.example", "www.example:8443"}));
    EXPECT_EQ(edge.repeat_after, 300s);
    EXPECT_EQ(endpoint_of(edge), "https://api.cloudflare.com/client/v4/zones/0123abcd/purge_cache");
    EXPECT_EQ(endpoint_of(hooks.at("fast")), "https://api.fastly.com/service/SU1Z0isxPaozGVKXdv0eY/purge");
    const auto& front = hooks.at("front");
    EXPECT_EQ(endpoint_of(front),
              "https://cloudfront.example/2020-05-31/distribution/EDFDVBD632BHDS5/invalidation");
    EXPECT_EQ(front.credentials.access_key_id, "AKIDEXAMPLE");
    EXPECT_EQ(front.credentials.secret_access_key.reveal(), "cloudfront-secret");
    const auto& varnish = hooks.at("varnish");
    EXPECT_EQ(varnish.url, "https://cache.example/i/{id}");
    EXPECT_EQ(varnish.method, "BAN");
    EXPECT_EQ(varnish.repeat_after, 0s);
}

TEST(Load, refuses_purges_that_could_not_be_sent) {
    const auto mistake = [](const std::string& lines, const std::string& before = "") {
        const auto loaded = load_text(kValid + before + "\n[purges.edge]\n" + lines);
        EXPECT_FALSE(loaded) << lines;
        return mistakes_of(loaded);
    };
    EXPECT_THAT(mistake("id = \"a\"\n"), HasSubstr("purges.edge.kind is required"));
    EXPECT_THAT(mistake("kind = \"akamai\"\n"), HasSubstr("cloudflare, fastly, cloudfront, http"));
    const std::string cloudflare = "kind = \"cloudflare\"\nid = \"a\"\n";
    EXPECT_THAT(mistake(cloudflare + "hosts = [\"h.example\"]\n"),
                HasSubstr("purges.edge.token is required"));
    EXPECT_THAT(mistake(cloudflare + "token = \"t\"\n"),
                HasSubstr("purges.edge.hosts is required without server.public_url"));
    EXPECT_THAT(mistake(cloudflare + "token = \"t\\r\\nX-Evil: 1\"\nhosts = [\"h\"]\n"),
                HasSubstr("printable ASCII"));
    EXPECT_THAT(mistake("kind = \"cloudflare\"\nid = \"../../user\"\ntoken = \"t\"\nhosts = [\"h\"]\n"),
                HasSubstr("purges.edge.id is not valid"));
    EXPECT_THAT(mistake("kind = \"cloudfront\"\nid = \"a\"\n"),
                AllOf(HasSubstr("purges.edge.access_key is required"),
                      HasSubstr("purges.edge.secret_key is required")));
    EXPECT_THAT(mistake("kind = \"http\"\n"), HasSubstr("purges.edge.url is required"));
    for (const char* url : {"https://cache.example/i/", "cache.example/{id}", "ftp://cache.example/{id}",
                            "https://{id}.example/i", "https://cache.example/{id}#x", "https://cache.example",
                            "https://user@cache.example/{id}", "https://cache.example/a b{id}"}) {
        EXPECT_THAT(mistake(std::string{"kind = \"http\"\nurl = \""} + url + "\"\n"),
                    HasSubstr("purges.edge.url is not valid"))
            << url;
    }
    EXPECT_THAT(mistake("kind = \"http\"\nurl = \"http://127.0.0.1:6081/{id}\"\n"),
                HasSubstr("callbacks.allowed_networks"));
    const auto allowed = load_text(kValid +
                                   "\n[callbacks]\nallowed_networks = [\"127.0.0.1/32\"]\n[purges.edge]\n"
                                   "kind = \"http\"\nurl = \"http://127.0.0.1:6081/{id}\"\n");
    EXPECT_TRUE(allowed) << mistakes_of(allowed);
}

TEST(Load, a_purge_covers_the_public_host_where_no_other_is_named) {
    const auto loaded = load_text("[server]\npublic_url = \"https://photos.example\"\n" + kValid +
                                  "\n[purges.edge]\nkind = \"cloudflare\"\nid = \"a\"\ntoken = \"t\"\n");
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    EXPECT_EQ(loaded->config.purges.at("edge").hosts, std::vector<std::string>{"photos.example"});
}

TEST(Load, takes_link_secrets_that_are_long_enough_and_repeats_none) {
    const auto with = [](const std::string& secrets) {
        auto text = kValid;
        const std::string app = "[apps.shop]\n";
        return load_text(text.replace(text.find(app), app.size(), app + "link_secrets = " + secrets + "\n"));
    };
    const auto loaded =
        with(R"(["the new secret of this app's links", "the old secret of this app's links"])");
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    const auto& secrets = loaded->config.apps.at(AppName::trusted("shop")).link_secrets;
    ASSERT_EQ(secrets.size(), 2U);
    EXPECT_EQ(secrets[0].reveal(), "the new secret of this app's links");
    for (const char* wrong : {"[\"too short a secret\"]", "[]", "7"}) {
        const auto refused = with(wrong);
        ASSERT_FALSE(refused) << wrong;
        EXPECT_NE(mistakes_of(refused).find("link_secrets"), std::string::npos) << wrong;
        EXPECT_EQ(mistakes_of(refused).find("too short"), std::string::npos);
    }
}

TEST(Load, passes_retention_to_the_records) {
    const auto standard = load_text(kValid);
    ASSERT_TRUE(standard) << mistakes_of(standard);
    const storage::records::Retention usual;
    EXPECT_EQ(standard->config.database.retention.events, usual.events);
    EXPECT_EQ(standard->config.database.retention.idempotency, usual.idempotency);
    EXPECT_EQ(standard->config.database.retention.attempts, usual.attempts);
    const auto loaded = load_text(kValid +
                                  "[retention]\nevents = \"2h\"\nidempotency = \"5m\"\nattempts = "
                                  "\"3d\"\nrejected = \"6d\"\nuploads = \"9d\"\n");
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    EXPECT_EQ(loaded->config.database.retention.events, 2h);
    EXPECT_EQ(loaded->config.database.retention.idempotency, 5min);
    EXPECT_EQ(loaded->config.database.retention.attempts, 72h);
    EXPECT_EQ(loaded->config.database.retention.rejected, 6 * 24h);
    EXPECT_EQ(loaded->config.database.retention.uploads, 9 * 24h);
}

TEST(Load, prefers_flag_over_environment_over_file_over_default) {
    const std::string file = "[log]\nlevel = \"warn\"\n" + kValid;
    const auto level = [](const Loading& loaded) { return loaded->config.log.level; };
    EXPECT_EQ(level(load_text(kValid)), log::Level::info);
    EXPECT_EQ(level(load_text(file)), log::Level::warn);
    EXPECT_EQ(level(load_text(file, {{{"PHOTOGATE_LOG_LEVEL", "error"}}, {}})), log::Level::error);
    EXPECT_EQ(level(load_text(file, {{{"PHOTOGATE_LOG_LEVEL", "error"}}, {{"--log-level", {"debug"}}}})),
              log::Level::debug);
    EXPECT_EQ(level(load_text(file, {{{"PHOTOGATE_LOG_LEVEL", ""}}, {}})), log::Level::warn)
        << "an empty variable is unset";
}

TEST(Load, prefers_own_variables_over_those_of_other_tools) {
    const auto url = [](const std::map<std::string, std::string>& environment) {
        const auto loaded = load_text(kRegion + kApp, {environment, {}});
        return loaded ? loaded->config.database.database_url : mistakes_of(loaded);
    };
    EXPECT_EQ(url({{"DATABASE_URL", "postgresql://theirs"}}), "postgresql://theirs");
    EXPECT_EQ(url({{"DATABASE_URL", "postgresql://theirs"}, {"PHOTOGATE_DATABASE_URL", "postgresql://ours"}}),
              "postgresql://ours");
}

TEST(Load, reads_secrets_from_files_named_by_key_variable_or_flag) {
    const Folder folder;
    folder.write("url", "postgresql://from-file\n");
    const auto by_name = (folder.path() / "url").string();
    const auto load_with = [&](const std::string& text, std::map<std::string, std::string> environment,
                               std::map<std::string, std::vector<std::string>> flags) {
        const auto loaded = load({std::move(flags),
                                  std::move(environment),
                                  folder.write("photogate.toml", text + kRegion + kApp),
                                  {}});
        return loaded ? loaded->config.database.database_url : mistakes_of(loaded);
    };
    EXPECT_EQ(load_with("[database]\nurl_file = \"url\"\n", {}, {}), "postgresql://from-file")
        << "relative to the configuration";
    EXPECT_EQ(load_with("", {{"PHOTOGATE_DATABASE_URL_FILE", by_name}}, {}), "postgresql://from-file");
    EXPECT_EQ(load_with("", {{"DATABASE_URL_FILE", by_name}}, {}), "postgresql://from-file");
    EXPECT_EQ(load_with("", {{"DATABASE_URL", "postgresql://other"}}, {{"--database-url-file", {by_name}}}),
              "postgresql://from-file");
}

TEST(Load, reads_one_secret_per_line) {
    const Folder folder;
    const auto path = folder.write("tokens", std::string(32, 'a') + "\n\n" + std::string(40, 'b') + "\r\n");
    const auto loaded =
        load_text(kDatabase + kRegion + kApp, {{{"PHOTOGATE_EVENTS_TOKENS_FILE", path.string()}}, {}});
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    const auto& tokens = loaded->config.events.at("minio").tokens;
    ASSERT_EQ(tokens.size(), 2U);
    EXPECT_EQ(tokens[0].reveal(), std::string(32, 'a'));
    EXPECT_EQ(tokens[1].reveal(), std::string(40, 'b'));
}

TEST(Load, reports_duplicate_or_unreadable_secret_at_its_origin) {
    EXPECT_THAT(
        mistakes_of(load_text("[database]\nurl = \"postgresql://a\"\nurl_file = \"b\"\n" + kRegion + kApp)),
        HasSubstr("photogate.toml:3: "));
    EXPECT_THAT(mistakes_of(load_text(kRegion + kApp,
                                      {{{"DATABASE_URL", "a=b"}, {"DATABASE_URL_FILE", "/nowhere"}}, {}})),
                HasSubstr("both DATABASE_URL and DATABASE_URL_FILE are set"));
    const auto missing = mistakes_of(load_text("[database]\nurl_file = \"nowhere\"\n" + kRegion + kApp));
    EXPECT_THAT(missing, HasSubstr("photogate.toml:2: "));
    EXPECT_THAT(missing, HasSubstr("can't be read: No such file or directory"));
    EXPECT_THAT(missing, Not(HasSubstr("is required"))) << "it is not missing, it is wrong";
}

TEST(Load, warns_of_world_readable_secret) {
    const Folder folder;
    const auto path = folder.write("url", "postgresql://x");
    std::filesystem::permissions(path, std::filesystem::perms::others_read,
                                 std::filesystem::perm_options::add);
    EXPECT_THAT(warnings_of(load_text(kRegion + kApp, {{{"DATABASE_URL_FILE", path.string()}}, {}})),
                HasSubstr("may be read by everyone"));
}

TEST(Load, builds_region_app_and_source_from_variables_without_a_file) {
    const Extra extra{{{"PHOTOGATE_CONFIG", ""},
                       {"DATABASE_URL", "postgresql://x"},
                       {"S3_ENDPOINT", "http://127.0.0.1:9000"},
                       {"AWS_REGION", "eu-west-1"},
                       {"PHOTOGATE_S3_SIGNER_ACCESS_KEY", "s"},
                       {"PHOTOGATE_S3_SIGNER_SECRET_KEY", "s"},
                       {"PHOTOGATE_S3_WORKER_ACCESS_KEY", "w"},
                       {"PHOTOGATE_S3_WORKER_SECRET_KEY", "w"},
                       {"PHOTOGATE_APP_KEYS", kHashLine},
                       {"PHOTOGATE_EVENTS_TOKENS", kToken}},
                      {}};
    const auto loaded = load_text("", extra);
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    EXPECT_EQ(loaded->config.regions.at("default").signing_region.str(), "eu-west-1");
    EXPECT_EQ(loaded->config.apps.at(AppName::trusted("default")).profiles.size(), 1U);
    EXPECT_EQ(loaded->config.events.at("minio").tokens.size(), 1U);
}

TEST(Load, applies_variable_to_a_single_region_but_not_to_several) {
    const Extra extra{{{"S3_ENDPOINT", "http://10.0.0.1:9000"}}, {}};
    const auto one = load_text(kValid, extra);
    ASSERT_TRUE(one) << mistakes_of(one);
    EXPECT_EQ(one->config.regions.at("default").internal.origin(), "http://10.0.0.1:9000");
    EXPECT_THAT(mistakes_of(load_text(kValid + "[regions.other]\n", extra)),
                HasSubstr("environment S3_ENDPOINT: the file has several [regions.*]"));
}

TEST(Load, reports_unknown_key_with_line_and_nearest_name) {
    const auto text =
        mistakes_of(load_text("[server]\nlisten = [\"127.0.0.1:1\"]\nlisen = 1\n[databse]\nurl = 1\nx = "
                              "2\n[apps.shop.profiles.doorstep]\nmax_egde = 5\n"));
    EXPECT_THAT(text, HasSubstr("photogate.toml:3: unknown key 'server.lisen', did you mean 'listen'?"));
    EXPECT_THAT(text, HasSubstr("photogate.toml:4: unknown table 'databse', did you mean 'database'?"));
    EXPECT_THAT(text, HasSubstr("photogate.toml:8: unknown key 'apps.shop.profiles.doorstep.max_egde', did "
                                "you mean 'max_edge'?"));
    EXPECT_THAT(text, Not(HasSubstr("databse.url"))) << "what lies in an unknown table is not reported again";
}

TEST(Load, suggests_nothing_for_dissimilar_name) {
    EXPECT_THAT(mistakes_of(load_text("[server]\nzzzzqqqq = 1\n")),
                HasSubstr("photogate.toml:2: unknown key 'server.zzzzqqqq'\n"));
}

TEST(Load, rejects_value_for_table_and_table_for_value) {
    EXPECT_THAT(mistakes_of(load_text("server = 1\n")),
                HasSubstr("photogate.toml:1: server is a table, not a value"));
    EXPECT_THAT(mistakes_of(load_text("[apps]\nshop = 3\n")),
                HasSubstr("photogate.toml:2: apps.shop is a table, not a value"));
    EXPECT_THAT(mistakes_of(load_text("[server.listen]\nx = 3\n")),
                HasSubstr("photogate.toml:1: server.listen is a value, not a table"));
    EXPECT_THAT(mistakes_of(load_text("[[server.listen]]\n")),
                HasSubstr("server.listen must be a list of texts"));
    EXPECT_THAT(mistakes_of(load_text("[apps.\"My Shop\"]\n")),
                HasSubstr("photogate.toml:1: 'My Shop' is no name"));
}

TEST(Load, reports_toml_syntax_error_with_line_and_without_secrets) {
    const auto text = mistakes_of(load_text("[database]\nurl = \"postgresql://gw:" + kPassword + "@db\n"));
    EXPECT_THAT(text, HasSubstr("photogate.toml:2: "));
    EXPECT_THAT(text, Not(HasSubstr(kPassword)));
}

TEST(Load, reports_invalid_table_header_with_its_line) {
    for (const auto* header :
         {"[$log]", "[[[log]]]", "[[=", "[.log]", "[ ]", "[log.$]", "[\u00e9]", "[\ufdff]", "\u0416"}) {
        const auto said =
            mistakes_of(load_text(std::string{"unsafe = false\n"} + header + "\nlevel = \"warn\"\n"));
        EXPECT_THAT(said, HasSubstr("photogate.toml:2: ")) << header;
    }
}

TEST(Load, accepts_multi_line_text_in_any_script) {
    const auto text = "[apps.shop]\ncallback_url = \"\"\"\\\n\u00a7\u00e9\ufdff\"\"\"\n";
    EXPECT_THAT(mistakes_of(load_text(text)), HasSubstr("photogate.toml:2: apps.shop.callback_url "));
}

TEST(Load, requires_a_file_that_was_named) {
    const auto by_flag = load({{}, {}, "/nowhere/photogate.toml", {}});
    EXPECT_THAT(mistakes_of(by_flag), HasSubstr("flag --config: /nowhere/photogate.toml can't be read"));
    const auto by_variable = load({{}, {{"PHOTOGATE_CONFIG", "/nowhere/x"}}, std::nullopt, {}});
    EXPECT_THAT(mistakes_of(by_variable),
                HasSubstr("environment PHOTOGATE_CONFIG: /nowhere/x can't be read"));
}

TEST(Load, warns_of_misspelt_variable_and_ignores_others) {
    const auto warnings = warnings_of(load_text(
        kValid,
        {{{"PHOTOGATE_LOG_LEVL", "x"}, {"PHOTOGATE_TEST_S3_ENDPOINT", "x"}, {"LOG_LEVEL", "x"}}, {}}));
    EXPECT_THAT(warnings, HasSubstr("environment PHOTOGATE_LOG_LEVL: is no variable of photogate, did you "
                                    "mean PHOTOGATE_LOG_LEVEL?"));
    EXPECT_THAT(warnings, Not(HasSubstr("S3_ENDPOINT")));
}

TEST(Load, warns_root_of_a_file_that_another_user_may_write) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    const Folder folder;
    Sources sources;
    sources.file = folder.write("photogate.toml", kValid + kServer);
    EXPECT_EQ(warnings_of(load(sources)), "");
    ASSERT_EQ(::chown(sources.file->c_str(), 12'345, 12'345), 0);
    EXPECT_THAT(warnings_of(load(sources)), HasSubstr("belongs to user 12345, who decides"));
    ASSERT_EQ(::chown(sources.file->c_str(), 0, 0), 0);
    ASSERT_EQ(::chmod(sources.file->c_str(), 0666), 0);
    EXPECT_THAT(warnings_of(load(sources)), HasSubstr("may be written by everyone"));
}

const std::string kOneMachine = kApp + "[database]\nfolder = \"db\"\n[store]\nfolder = \"objects\"\n";

TEST(Load, takes_paths_in_the_file_as_relative_to_it) {
    const Folder folder;
    const auto file = folder.write("photogate.toml", kOneMachine +
                                                         "[callbacks]\nca_file = \"ca/../roots.pem\"\n"
                                                         "[imaging]\nprogram = \"/opt/imager\"\n");
    const auto loaded = load({{}, {}, file, "/opt/photogate"});
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    EXPECT_EQ(loaded->config.postgres_folder, folder.path() / "db");
    EXPECT_EQ(loaded->config.store.folder, folder.path() / "objects");
    EXPECT_EQ(loaded->config.callbacks.ca_file, folder.path() / "roots.pem");
    EXPECT_EQ(loaded->config.imaging.program, "/opt/imager");
    EXPECT_EQ(loaded->config.file, file);
    EXPECT_EQ(loaded->config.data_folder, "");
    // A flag's or a variable's path is relative to the current folder, as every program takes it.
    const auto flagged = load({{{"--store-folder", {"mine"}}}, {}, file, "/opt/photogate"});
    ASSERT_TRUE(flagged);
    EXPECT_EQ(flagged->config.store.folder, "mine");
}

TEST(Load, follows_a_data_folder_that_was_moved) {
    const Folder folder;
    std::filesystem::create_directory(folder.path() / "old");
    folder.write("old/photogate.toml", kOneMachine);
    std::filesystem::rename(folder.path() / "old", folder.path() / "new");
    const auto loaded = load({{}, {}, std::nullopt, {}, folder.path() / "new"});
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    EXPECT_EQ(loaded->config.store.folder, folder.path() / "new" / "objects");
    EXPECT_EQ(loaded->config.data_folder, folder.path() / "new");
}

TEST(Load, refuses_data_folder_whose_file_leads_elsewhere) {
    const Folder folder;
    const auto original = folder.path() / "original";
    const auto copy = folder.path() / "copy";
    for (const auto& each : {original, copy})
        std::filesystem::create_directories(each / "db");
    std::filesystem::create_directory_symlink(original, copy / "linked");
    const auto refused = [&](const std::string& database, const std::string& store) {
        folder.write("copy/photogate.toml", kApp + "[database]\nfolder = \"" + database +
                                                "\"\n[store]\nfolder = \"" + store + "\"\n");
        const auto loaded = load({{}, {}, std::nullopt, {}, copy});
        if (!loaded) {
            EXPECT_THAT(mistakes_of(loaded), HasSubstr(original.string()));
            EXPECT_THAT(mistakes_of(loaded), HasSubstr("not inside " + copy.string()));
            EXPECT_THAT(mistakes_of(loaded), HasSubstr("--config"));
        }
        return !loaded;
    };
    EXPECT_FALSE(refused("db", "objects"));
    EXPECT_FALSE(refused((copy / "db").string(), "./a/../objects"));
    EXPECT_TRUE(refused((original / "db").string(), "objects"));
    EXPECT_TRUE(refused("db", (original / "store").string()));
    EXPECT_TRUE(refused("db", "../original/store"));
    EXPECT_TRUE(refused("db", "linked/store"));
    // A file that is named may lead anywhere, and so may a flag.
    EXPECT_TRUE(load({{}, {}, copy / "photogate.toml", {}, copy}));
    folder.write("copy/photogate.toml", kOneMachine);
    EXPECT_TRUE(load({{{"--store-folder", {original.string()}}}, {}, std::nullopt, {}, copy}));
}

TEST(Load, prefers_named_data_folder_over_variable_and_standard_file) {
    const Folder folder;
    folder.write("photogate.toml", kOneMachine);
    const std::map<std::string, std::string> elsewhere{{"PHOTOGATE_CONFIG", "/nowhere/photogate.toml"}};
    EXPECT_FALSE(load({{}, elsewhere, std::nullopt, {}, folder.path()}));
    EXPECT_TRUE(load({{}, elsewhere, std::nullopt, {}, folder.path(), Sources::FolderIs::named}));
}

TEST(Load, ignores_first_file_of_another_user) {
    if (::geteuid() != 0) GTEST_SKIP() << "needs root";
    const Folder folder;
    Sources sources;
    sources.folder = folder.path();
    const auto file = folder.write("photogate.toml", kValid);
    EXPECT_TRUE(load(sources)) << mistakes_of(load(sources));
    ASSERT_EQ(::chown(file.c_str(), 12'345, 12'345), 0);
    EXPECT_FALSE(load(sources)) << "the file's owner is another user";
    std::filesystem::rename(file, folder.path() / "elsewhere.toml");
    ASSERT_EQ(::chown((folder.path() / "elsewhere.toml").c_str(), 0, 0), 0);
    std::filesystem::create_symlink(folder.path() / "elsewhere.toml", file);
    EXPECT_FALSE(load(sources)) << "a symbolic link";
}

TEST(Load, accepts_former_names_with_a_warning) {
    const auto in_file = load_text(kValid + "[imaging]\nhelpers = 3\ntasks_per_helper = 7\n");
    ASSERT_TRUE(in_file) << mistakes_of(in_file);
    EXPECT_EQ(in_file->config.imaging.processes, 3U);
    EXPECT_EQ(in_file->config.imaging.max_tasks_per_process, 7U);
    EXPECT_THAT(warnings_of(in_file), HasSubstr("imaging.helpers is the former name of imaging.processes"));

    const auto variable = load_text(kValid, {{{"PHOTOGATE_IMAGING_HELPERS", "4"}}, {}});
    ASSERT_TRUE(variable) << mistakes_of(variable);
    EXPECT_EQ(variable->config.imaging.processes, 4U);
    EXPECT_THAT(warnings_of(variable), HasSubstr("is the former name of PHOTOGATE_IMAGING_PROCESSES"));

    const auto flag = load_text(kValid, {{}, {{"--imaging-helpers", {"5"}}}});
    ASSERT_TRUE(flag) << mistakes_of(flag);
    EXPECT_EQ(flag->config.imaging.processes, 5U);
    EXPECT_THAT(warnings_of(flag), HasSubstr("is the former name of --imaging-processes"));
    EXPECT_EQ(warnings_of(load_text(kValid + kServer + "[imaging]\nprocesses = 3\n")), "");
}

}  // namespace
}  // namespace photogate::gateway::config
