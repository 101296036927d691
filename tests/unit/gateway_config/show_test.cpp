#include "gateway/config/show.hpp"

#include <fstream>
#include <regex>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sample.hpp"

namespace photogate::gateway::config {
namespace {

using namespace testing;  // NOLINT(google-build-using-namespace): this file's own samples
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Show, shows_effective_values_with_their_origin) {
    const auto loaded = load_text(
        "[log]\nlevel = \"warn\"\n" + kValid,
        {{{"PHOTOGATE_SERVER_MAX_BODY", "2MiB"}}, {{"--server-listen", {"127.0.0.1:1", "[::1]:2"}}}});
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    const auto shown = show(*loaded, Origins::shown);
    EXPECT_THAT(shown, HasSubstr("listen = [\"127.0.0.1:1\", \"[::1]:2\"]  # flag --server-listen\n"));
    EXPECT_THAT(shown, HasSubstr("max_body = \"2MiB\"  # environment PHOTOGATE_SERVER_MAX_BODY\n"));
    EXPECT_THAT(shown, HasSubstr("photogate.toml:2\n"));
    EXPECT_THAT(shown, HasSubstr("idle_timeout = \"30s\"  # default\n"));
    EXPECT_THAT(shown, HasSubstr("\n[apps.shop.profiles.doorstep]\n"));
    EXPECT_THAT(show(*loaded, Origins::hidden), Not(HasSubstr("  # default")));
}

TEST(Show, hides_every_secret) {
    auto text = kValid;
    text.insert(text.find("[apps.shop.profiles"), "callback_secrets = [\"" + kCallbackSecret + "\"]\n");
    const auto loaded = load_text(text);
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    for (const auto origins : {Origins::hidden, Origins::shown}) {
        const auto shown = show(*loaded, origins);
        for (const auto& secret : {kPassword, kToken, kSignerSecret, kWorkerSecret, kCallbackSecret})
            EXPECT_THAT(shown, Not(HasSubstr(secret)));
        EXPECT_THAT(shown, HasSubstr("signer_secret_key = \"***\""));
    }
}

TEST(Show, repeats_no_secret_in_errors_or_warnings) {
    // Each secret where it belongs but malformed, and where it does not belong.
    const auto text = "[server]\nlisten = [\"127.0.0.1:0\"]\n[database]\nurl = \"" + kPassword +
                      "\"\n[regions.default]\nsigner_secret_key = [\"" + kSignerSecret +
                      "\"]\nworker_secret_key = { a = \"" + kWorkerSecret +
                      "\" }\n[apps.shop]\nkeys = [\"pg_shop_" + kToken + "\"]\ncallback_secrets = [\"" +
                      kCallbackSecret + "x\"]\n[apps.shop.profiles.a]\n[events.minio]\ntokens = [\"" +
                      kToken + " " + kToken + "\"]\n";
    const auto said = mistakes_of(load_text(text));
    for (const auto& secret : {kPassword, kToken, kSignerSecret, kWorkerSecret, kCallbackSecret})
        EXPECT_THAT(said, Not(HasSubstr(secret)));
    for (const auto* key : {"database.url must", "signer_secret_key must", "apps.shop.keys must",
                            "callback_secrets must", "events.minio.tokens must"}) {
        EXPECT_THAT(said, HasSubstr(key));
    }
}

TEST(Show, shows_output_that_can_be_read_again) {
    const auto first = load_text(kValid);
    ASSERT_TRUE(first);
    auto shown = show(*first, Origins::shown);
    // Except for secrets: the test replaces each `***`.
    const auto put_back = [&](const std::string& key, const std::string& literal) {
        const auto at = shown.find(key + " = \"***\"");
        ASSERT_NE(at, std::string::npos) << key;
        shown.replace(at, key.size() + 8, key + " = " + literal);
    };
    put_back("url", "\"postgresql://x\"");
    put_back("signer_secret_key", "\"s\"");
    put_back("worker_secret_key", "\"w\"");
    put_back("tokens", "[\"" + kToken + "\"]");
    const auto second = load_text(shown);
    ASSERT_TRUE(second) << mistakes_of(second) << shown;
    EXPECT_EQ(second->config.server.max_body, first->config.server.max_body);
    EXPECT_EQ(second->config.regions.size(), 1U);
}

TEST(Reference, matches_the_option_table) {
    std::ifstream file{std::string{PHOTOGATE_SOURCE_DIR} + "/docs/configuration.md"};
    std::ostringstream text;
    text << file.rdbuf();
    EXPECT_EQ(text.str(), reference_markdown()) << "photogate config docs > docs/configuration.md";
}

TEST(Reference, has_help_and_unique_names_for_every_option) {
    std::vector<std::string> names;
    for (const auto& table : tables()) {
        for (const auto& option : table.options) {
            EXPECT_FALSE(option.help.empty()) << dotted(table, option);
            for (const auto& name : {flag(table, option), variable(table, option), dotted(table, option)}) {
                if (!name.empty()) names.push_back(name);
            }
        }
    }
    auto sorted = names;
    std::sort(sorted.begin(), sorted.end());
    EXPECT_EQ(std::adjacent_find(sorted.begin(), sorted.end()), sorted.end());
}

std::string sample() {
    std::ifstream file{std::string{PHOTOGATE_SOURCE_DIR} + "/etc/photogate.toml"};
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

TEST(Sample, is_valid_as_it_is) {
    const auto loaded = load_text(sample());
    ASSERT_TRUE(loaded) << mistakes_of(loaded);
    ASSERT_EQ(loaded->warnings.size(), 1U) << warnings_of(loaded);
    EXPECT_THAT(warnings_of(loaded), HasSubstr("apps.shop.keys has the sample's placeholder"));
}

/// Every line that is commented out stands for a choice: PostgreSQL and a store elsewhere, proxies, an operator.
TEST(Sample, is_valid_with_everything_that_is_commented_out) {
    std::istringstream lines{sample()};
    std::string text;
    const std::regex choice{R"(# (\[.*\]|[a-z_]+ = .*))"};
    bool in_store = false;
    for (std::string line; std::getline(lines, line);) {
        std::smatch found;
        if (line.starts_with("[") || line.starts_with("# [")) in_store = line == "[store]";
        if (in_store || line.starts_with("folder =") || line.starts_with("# url_file")) continue;
        text += (std::regex_match(line, found, choice) ? found[1].str() : line) + "\n";
    }
    const std::string placeholder = "sha256:…";
    text.replace(text.find(placeholder), placeholder.size(), kHashLine);
    const Folder folder;
    for (const auto* secret : {"signer_secret", "worker_secret"})
        folder.write(secret, "secret");
    folder.write("event_tokens", kToken);
    folder.write("link_secrets", kToken);
    folder.write("callback_secrets", kCallbackSecret);
    const auto loaded = load({{}, {}, folder.write("photogate.toml", text), {}});
    ASSERT_TRUE(loaded) << mistakes_of(loaded) << text;
    const model::StoreRegion standard;
    const auto& region = loaded->config.regions.at("default");
    EXPECT_EQ(region.incoming, standard.incoming);
    EXPECT_EQ(region.published, standard.published);
    EXPECT_EQ(region.originals, standard.originals);
    EXPECT_EQ(region.signer.access_key_id, "photogate-signer");
    EXPECT_EQ(loaded->config.keys.size(), 1U) << "the operator's";
}

}  // namespace
}  // namespace photogate::gateway::config
