#include "gateway/cli/program.hpp"

#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/access/api_key.hpp"
#include "gateway/cli/sign_command.hpp"
#include "gateway/config/options.hpp"
#include "sample.hpp"

namespace photogate::gateway::cli {
namespace {

using config::testing::Folder;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

struct Ran {
    ExitCode code;
    std::string out;
    std::string err;
};

Ran run_with(std::vector<std::string> arguments, const Commands& commands = {},
             std::map<std::string, std::string> environment = {}, std::filesystem::path folder = {}) {
    std::ostringstream out;
    std::ostringstream err;
    const ManualClock clock{Timestamp{std::chrono::seconds{1'795'178'096}}};
    SeededRandom random{5};
    const auto code = run({std::move(arguments), std::move(environment), "/opt/photogate", out, err, clock,
                           random, std::move(folder)},
                          commands);
    return {code, out.str(), err.str()};
}

Commands all_commands(std::vector<std::string>& log) {
    Commands commands;
    commands.all = [&](const config::Config&, const config::Reload&) {
        return log.push_back("all"), ExitCode::ok;
    };
    commands.serve = [&](const config::Config& c, const config::Reload&) {
        return log.push_back("serve " + c.server.listen.at(0).text()), ExitCode::cannot_bind;
    };
    commands.work = [&](const config::Config&, const config::Reload&) -> ExitCode {
        throw std::runtime_error("broke");
    };
    commands.migrate = [&](const config::Config&, RunMode mode) {
        return log.push_back(mode == RunMode::dry_run ? "dry" : "apply"), ExitCode::ok;
    };
    commands.doctor = [&](const config::Config&) {
        return log.push_back("doctor"), ExitCode::dependency_unavailable;
    };
    return commands;
}

TEST(Program, passes_configuration_to_command_and_returns_its_exit_code) {
    const Folder folder;
    const auto file = folder.write("photogate.toml", config::testing::kValid).string();
    std::vector<std::string> log;
    const auto commands = all_commands(log);
    EXPECT_EQ(run_with({"all", "--config", file}, commands).code, ExitCode::ok);
    EXPECT_EQ(run_with({"serve", "--config", file, "--server-listen", "127.0.0.1:7"}, commands).code,
              ExitCode::cannot_bind);
    EXPECT_EQ(run_with({"migrate", "--config", file, "--dry-run"}, commands).code, ExitCode::ok);
    EXPECT_EQ(run_with({"migrate", "--config", file}, commands).code, ExitCode::ok);
    EXPECT_EQ(run_with({"doctor"}, commands, {{"PHOTOGATE_CONFIG", file}}).code,
              ExitCode::dependency_unavailable);
    EXPECT_EQ(log, (std::vector<std::string>{"all", "serve 127.0.0.1:7", "dry", "apply", "doctor"}));
}

TEST(Program, creates_configuration_once_when_nothing_is_configured) {
    const Folder folder;
    std::vector<std::string> seen;
    Commands commands;
    commands.all = [&](const config::Config& made, const config::Reload&) {
        const auto& app = made.apps.at(AppName::trusted("demo"));
        seen.push_back(app.callback_url.value_or("nowhere") + " " +
                       made.regions.at("default").internal.origin());
        EXPECT_EQ(made.apps.size(), 1U);
        EXPECT_EQ(made.keys.size(), 2U);
        EXPECT_EQ(made.store.folder, folder.path() / "var" / "store");
        EXPECT_EQ(made.postgres_folder, folder.path() / "var" / "postgres");
        return ExitCode::ok;
    };
    const auto first = run_with({"all"}, commands, {}, folder.path());
    EXPECT_EQ(first.code, ExitCode::ok) << first.err;
    EXPECT_THAT(first.err, HasSubstr("the first API key is in " + (folder.path() / "var" / "key").string()));
    // What is said of "the app" is said of the one that is no operator.
    const auto second =
        run_with({"all", "--app-callback-url", "https://app.example/"}, commands, {}, folder.path());
    EXPECT_EQ(second.code, ExitCode::ok) << second.err;
    EXPECT_THAT(second.err, Not(HasSubstr("API key")));
    EXPECT_EQ(seen, (std::vector<std::string>{"nowhere http://127.0.0.1:9000",
                                              "https://app.example/ http://127.0.0.1:9000"}));
    EXPECT_EQ(run_with({"config", "check"}, commands, {}, folder.path()).code, ExitCode::ok);
}

/// What the first `all` with these arguments writes.
std::string first_file(const Folder& folder, std::vector<std::string> arguments,
                       std::map<std::string, std::string> environment = {}) {
    Commands commands;
    commands.all = [](const config::Config&, const config::Reload&) { return ExitCode::ok; };
    arguments.insert(arguments.begin(), "all");
    const auto ran = run_with(std::move(arguments), commands, std::move(environment), folder.path());
    EXPECT_EQ(ran.code, ExitCode::ok) << ran.err;
    std::ifstream file{folder.path() / "var" / "photogate.toml"};
    return {std::istreambuf_iterator<char>{file}, {}};
}

TEST(FirstConfiguration, writes_what_flags_and_variables_say) {
    const Folder folder;
    const auto text =
        first_file(folder,
                   {"--server-listen", "127.0.0.1:8123", "--store-listen", "127.0.0.1:9123",
                    "--server-metrics-listen", "127.0.0.1:9124", "--log-level", "warn", "--unsafe=false"},
                   {{"PHOTOGATE_WORKER_LEASE", "70s"}, {"PHOTOGATE_STORE_THREADS", "3"}});
    for (const auto* line : {"listen = [\"127.0.0.1:8123\"]\n", "public_url = \"http://127.0.0.1:8123\"\n",
                             "metrics_listen = \"127.0.0.1:9124\"\n",
                             "[store]\nfolder = \"store\"\nlisten = \"127.0.0.1:9123\"\n", "threads = 3\n",
                             "[log]\nlevel = \"warn\"\n", "[worker]\nlease = \"70s\"\n", "unsafe = false\n"})
        EXPECT_THAT(text, HasSubstr(line));
    EXPECT_THAT(text, Not(HasSubstr("8080")));
    EXPECT_THAT(text, Not(HasSubstr("9000\"")));
    // The same holds without the flags.
    Commands commands;
    commands.all = [](const config::Config& again, const config::Reload&) {
        EXPECT_EQ(again.server.listen.at(0).port, 8123);
        EXPECT_EQ(again.store.external.origin(), "http://127.0.0.1:9123");
        return ExitCode::ok;
    };
    EXPECT_EQ(run_with({"all"}, commands, {}, folder.path()).code, ExitCode::ok);
}

TEST(FirstConfiguration, links_lead_to_where_it_listens) {
    const std::pair<const char*, const char*> cases[] = {{"0.0.0.0:8123", "http://127.0.0.1:8123"},
                                                         {"localhost:8123", "http://127.0.0.1:8123"},
                                                         {"[::1]:8123", "http://[::1]:8123"},
                                                         {"192.0.2.7:80", "http://192.0.2.7:80"}};
    for (const auto& [listen, url] : cases) {
        const Folder folder;
        EXPECT_THAT(first_file(folder, {"--server-listen", listen}),
                    HasSubstr(fmt::format("public_url = \"{}\"\n", url)));
    }
    const Folder folder;
    EXPECT_THAT(first_file(folder, {"--server-public-url", "https://photos.example"}),
                HasSubstr("public_url = \"https://photos.example\"\n"));
}

TEST(FirstConfiguration, opens_nothing_to_callbacks_but_the_named_receiver) {
    const Folder none;
    EXPECT_THAT(first_file(none, {}), Not(HasSubstr("[callbacks]")));
    const Folder elsewhere;
    EXPECT_THAT(
        first_file(elsewhere, {"--app-callback-url", "https://app.example/hooks"}),
        AllOf(Not(HasSubstr("[callbacks]")), HasSubstr("callback_url = \"https://app.example/hooks\"")));
    struct Case {
        const char* url;
        const char* networks;
        const char* host;
    };
    for (const auto& [url, networks, host] :
         {Case{"http://127.0.0.1:8081/hooks", "[\"127.0.0.1/32\"]", "127.0.0.1:8081"},
          Case{"http://localhost:3000/a?b", "[\"127.0.0.1/32\", \"::1/128\"]", "localhost:3000"},
          Case{"http://[::1]:3000", "[\"::1/128\"]", "[::1]:3000"},
          Case{"http://127.0.0.1/", "[\"127.0.0.1/32\"]", "127.0.0.1:80"}}) {
        const Folder folder;
        const auto text = first_file(folder, {"--app-callback-url", url});
        EXPECT_THAT(text,
                    HasSubstr(fmt::format("allowed_networks = {0}\nallowed_hosts = [\"{1}\"]\nhttp_hosts = "
                                          "[\"{1}\"]\n",
                                          networks, host)));
        Commands commands;
        commands.all = [&](const config::Config& made, const config::Reload&) {
            const auto& policy = made.callbacks.policy;
            EXPECT_TRUE(notifier::callbacks::check_callback_url(fmt::format("http://{}/x", host), policy));
            for (const auto* other : {"http://127.0.0.1:9000/", "http://127.0.0.1:9180/metrics",
                                      "http://localhost:9000/", "http://[::1]:22/", "http://127.0.0.2:8081/"})
                EXPECT_FALSE(notifier::callbacks::check_callback_url(other, policy)) << other;
            return ExitCode::ok;
        };
        EXPECT_EQ(run_with({"all"}, commands, {}, folder.path()).code, ExitCode::ok);
    }
}

TEST(FirstConfiguration, is_not_written_if_it_is_wrong_or_something_is_in_the_way) {
    const Folder folder;
    std::vector<std::string> log;
    auto commands = all_commands(log);
    // A store without its credentials.
    const auto ran = run_with({"all", "--store", "http://minio:9000"}, commands, {}, folder.path());
    EXPECT_EQ(ran.code, ExitCode::bad_configuration);
    EXPECT_THAT(ran.err, HasSubstr("PHOTOGATE_S3_SIGNER_SECRET_KEY"));
    commands.before_all = [](const config::Config& config) {
        EXPECT_EQ(config.server.listen.at(0).port, 8080);
        return ExitCode::cannot_bind;
    };
    EXPECT_EQ(run_with({"all"}, commands, {}, folder.path()).code, ExitCode::cannot_bind);
    EXPECT_TRUE(log.empty());
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "var"));
}

TEST(FirstConfiguration, names_a_store_without_its_secrets) {
    const Folder folder;
    const std::map<std::string, std::string> keys{{"PHOTOGATE_S3_SIGNER_ACCESS_KEY", "s"},
                                                  {"PHOTOGATE_S3_SIGNER_SECRET_KEY", "canary-s-secret"},
                                                  {"PHOTOGATE_S3_WORKER_ACCESS_KEY", "w"},
                                                  {"PHOTOGATE_S3_WORKER_SECRET_KEY", "canary-w-secret"}};
    const auto text = first_file(folder, {"--store", "http://minio:9000"}, keys);
    EXPECT_THAT(
        text, HasSubstr("[regions.default]\nendpoint = \"http://minio:9000\"\nsigner_access_key = \"s\"\n"));
    EXPECT_THAT(text, Not(HasSubstr("[store]")));
    EXPECT_THAT(text, Not(HasSubstr("canary")));
    Commands commands;
    commands.all = [](const config::Config& again, const config::Reload&) {
        EXPECT_EQ(again.regions.at("default").internal.origin(), "http://minio:9000");
        EXPECT_EQ(again.store.folder, "");
        return ExitCode::ok;
    };
    EXPECT_EQ(run_with({"all"}, commands, keys, folder.path()).code, ExitCode::ok);
}

TEST(Program, accepts_store_and_data_folder_on_every_command_that_reads_the_configuration) {
    const Folder folder;
    first_file(folder, {});
    const std::map<std::string, std::string> keys{{"PHOTOGATE_S3_SIGNER_ACCESS_KEY", "s"},
                                                  {"PHOTOGATE_S3_SIGNER_SECRET_KEY", "s-secret"},
                                                  {"PHOTOGATE_S3_WORKER_ACCESS_KEY", "w"},
                                                  {"PHOTOGATE_S3_WORKER_SECRET_KEY", "w-secret"}};
    int called = 0;
    const auto on_minio = [&](const config::Config& config) {
        ++called;
        EXPECT_EQ(config.regions.at("default").internal.origin(), "http://minio:9000");
        EXPECT_EQ(config.data_folder, (folder.path() / "var").string());
        return ExitCode::ok;
    };
    Commands commands;
    commands.all = commands.serve =
        commands.work = [&](const config::Config& config, const config::Reload&) { return on_minio(config); };
    commands.doctor = on_minio;
    commands.sweep = [&](const config::Config& config, RunMode) { return on_minio(config); };
    commands.migrate = [&](const config::Config& config, RunMode) { return on_minio(config); };
    const auto data = (folder.path() / "var").string();
    for (const char* command : {"all", "serve", "work", "doctor", "sweep", "migrate"}) {
        const auto ran = run_with({command, "--data", data, "--store", "http://minio:9000"}, commands, keys,
                                  folder.path() / "elsewhere");
        EXPECT_EQ(ran.code, ExitCode::ok) << command << ran.err;
    }
    EXPECT_EQ(called, 6);
    EXPECT_THAT(
        run_with({"config", "show", "--data", data, "--store", "http://minio:9000"}, commands, keys).out,
        HasSubstr("endpoint = \"http://minio:9000\""));
    EXPECT_EQ(run_with({"doctor", "--data", data, "--config", data + "/photogate.toml"}, commands).code,
              ExitCode::usage);
}

TEST(Program, doctor_examines_what_a_first_start_would_be_and_makes_nothing) {
    const Folder folder;
    Commands commands;
    bool asked = false;
    commands.doctor = [&](const config::Config& config) {
        asked = true;
        EXPECT_EQ(config.postgres_folder, (folder.path() / "var" / "postgres").string());
        return ExitCode::ok;
    };
    EXPECT_EQ(run_with({"doctor"}, commands, {}, folder.path()).code, ExitCode::ok);
    EXPECT_TRUE(asked);
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "var"));
}

TEST(Program, config_get_prints_one_value_even_a_secret) {
    const Folder folder;
    const auto file = folder.write("photogate.toml", config::testing::kValid).string();
    const auto got = [&](const char* key) { return run_with({"config", "get", key, "--config", file}); };
    EXPECT_EQ(got("regions.default.signer_secret_key").out, config::testing::kSignerSecret + "\n");
    EXPECT_EQ(got("events.minio.tokens").out, config::testing::kToken + "\n");
    EXPECT_EQ(got("server.metrics_listen").out, "\"127.0.0.1:9180\"\n");
    for (const auto* missing : {"server.public_url", "regions.other.endpoint", "nonsense"}) {
        EXPECT_EQ(got(missing).code, ExitCode::failure);
        EXPECT_EQ(got(missing).out, "");
    }
    EXPECT_THAT(run_with({"config", "show", "--config", file}).out, Not(HasSubstr("canary")));
}

TEST(Program, creates_nothing_when_a_database_is_named) {
    const Folder folder;
    std::vector<std::string> log;
    const auto ran =
        run_with({"all"}, all_commands(log), {{"DATABASE_URL", "postgresql://db/photogate"}}, folder.path());
    EXPECT_EQ(ran.code, ExitCode::bad_configuration);
    EXPECT_FALSE(std::filesystem::exists(folder.path() / "var"));
}

TEST(Program, replaces_built_in_store_with_the_named_store) {
    const Folder folder;
    Commands commands;
    commands.all = [&](const config::Config& made, const config::Reload&) {
        EXPECT_EQ(made.store.folder, "");
        EXPECT_EQ(made.regions.size(), 1U);
        EXPECT_EQ(made.regions.at("default").internal.origin(), "http://minio:9000");
        return ExitCode::ok;
    };
    const std::map<std::string, std::string> keys{{"PHOTOGATE_S3_SIGNER_ACCESS_KEY", "s"},
                                                  {"PHOTOGATE_S3_SIGNER_SECRET_KEY", "s-secret"},
                                                  {"PHOTOGATE_S3_WORKER_ACCESS_KEY", "w"},
                                                  {"PHOTOGATE_S3_WORKER_SECRET_KEY", "w-secret"}};
    const auto ran = run_with({"all", "--store", "http://minio:9000"}, commands, keys, folder.path());
    EXPECT_EQ(ran.code, ExitCode::ok) << ran.err;
}

TEST(Program, reports_folder_that_can_not_be_created) {
    const Folder folder;
    folder.write("var", "a file");
    std::vector<std::string> log;
    const auto ran = run_with({"all"}, all_commands(log), {}, folder.path());
    EXPECT_EQ(ran.code, ExitCode::failure);
    EXPECT_THAT(ran.err, HasSubstr("var"));
    EXPECT_TRUE(log.empty());
}

TEST(Program, prints_exception_and_fails) {
    const Folder folder;
    std::vector<std::string> log;
    const auto ran =
        run_with({"work", "--config", folder.write("photogate.toml", config::testing::kValid).string()},
                 all_commands(log));
    EXPECT_EQ(ran.code, ExitCode::failure);
    EXPECT_THAT(ran.err, HasSubstr("photogate: broke"));
}

TEST(Program, starts_nothing_with_wrong_configuration) {
    const Folder folder;
    std::vector<std::string> log;
    const auto ran =
        run_with({"all", "--config", folder.write("photogate.toml", "[server]\nlisen = 1\n").string()},
                 all_commands(log));
    EXPECT_EQ(ran.code, ExitCode::bad_configuration);
    EXPECT_THAT(ran.err, HasSubstr("photogate.toml:2: unknown key"));
    EXPECT_TRUE(log.empty());
}

TEST(Program, treats_check_config_flag_as_config_check) {
    const Folder folder;
    const auto good = folder.write("photogate.toml", config::testing::kValid).string();
    std::vector<std::string> log;
    const auto commands = all_commands(log);
    for (const auto& arguments : {std::vector<std::string>{"config", "check", "--config", good},
                                  {"--check-config", "--config", good},
                                  {"serve", "--check-config", "--config", good}}) {
        EXPECT_EQ(run_with(arguments, commands).out, "the configuration is valid\n");
        auto wrong = arguments;
        wrong.back() = "/nowhere";
        EXPECT_EQ(run_with(wrong, commands).code, ExitCode::bad_configuration);
    }
    EXPECT_TRUE(log.empty());
}

TEST(Program, offers_only_the_commands_of_main) {
    EXPECT_EQ(run_with({"serve"}).code, ExitCode::usage);
    EXPECT_THAT(run_with({"--help"}).out, Not(HasSubstr("  serve ")));
    std::vector<std::string> log;
    EXPECT_THAT(run_with({"--help"}, all_commands(log)).out, HasSubstr("  serve "));
}

TEST(Program, exits_2_for_wrong_usage_and_0_for_help) {
    for (const auto& arguments : {std::vector<std::string>{},
                                  {"fly"},
                                  {"sign"},
                                  {"sign", "put", "--nonsense"},
                                  {"config", "show", "--server-listne", "x"},
                                  {"key", "new"},
                                  {"key", "new", "--app", "No Name"},
                                  {"version", "extra"}}) {
        EXPECT_EQ(run_with(arguments).code, ExitCode::usage);
    }
    EXPECT_EQ(run_with({"--help"}).code, ExitCode::ok);
    EXPECT_EQ(run_with({"sign", "put", "--help"}).code, ExitCode::ok);
}

TEST(Program, shows_every_flag_in_help_all) {
    std::vector<std::string> log;
    for (const auto& command : {std::vector<std::string>{"config", "check"}, {"all"}, {"doctor"}}) {
        auto arguments = command;
        arguments.push_back("--help-all");
        const auto ran = run_with(arguments, all_commands(log));
        EXPECT_EQ(ran.code, ExitCode::ok);
        for (const auto& table : config::tables()) {
            for (const auto& option : table.options)
                EXPECT_THAT(ran.out, HasSubstr(config::flag(table, option)));
        }
    }
}

TEST(Program, shows_in_help_the_ten_options_that_matter) {
    std::vector<std::string> log;
    const auto help = run_with({"all", "--help"}, all_commands(log)).out;
    std::size_t options = 0;
    for (std::size_t at = help.find("\n  --"); at != std::string::npos; at = help.find("\n  --", at + 1))
        ++options;
    EXPECT_EQ(options, 11U) << "ten, and --check-config\n" << help;
    for (const auto* named :
         {"--config", "--data", "--store", "--server-listen", "--server-public-url", "--help-all"})
        EXPECT_THAT(help, HasSubstr(named));
    EXPECT_THAT(help, Not(HasSubstr("--worker-lease")));
    EXPECT_EQ(run_with({"all", "--worker-lease", "x"}, all_commands(log)).code, ExitCode::bad_configuration);
}

TEST(Program, turns_switch_off_by_flag) {
    const Folder folder;
    const auto file = folder.write("photogate.toml", "unsafe = true\n" + config::testing::kValid).string();
    EXPECT_THAT(run_with({"config", "show", "--config", file}).out, HasSubstr("unsafe = true\n"));
    EXPECT_THAT(run_with({"config", "show", "--config", file, "--unsafe=false"}).out,
                HasSubstr("unsafe = false\n"));
    const auto safe = folder.write("safe.toml", config::testing::kValid).string();
    EXPECT_THAT(run_with({"config", "show", "--config", safe, "--unsafe", "--origin"}).out,
                HasSubstr("unsafe = true  # flag --unsafe\n"));
}

TEST(Program, creates_key_that_matches_its_line) {
    const auto ran = run_with({"key", "new", "--app", "shop"});
    EXPECT_EQ(ran.code, ExitCode::ok);
    const auto key = ran.out.substr(5, ran.out.find('\n') - 5);
    EXPECT_EQ(access::app_of_api_key(key), AppName::trusted("shop"));
    EXPECT_THAT(ran.out, HasSubstr(access::api_key_line(Secret{key})));
}

TEST(Sign, matches_the_documented_aws_example) {
    // AWS, sigv4-query-string-auth: "GET object", 86,400 s, examplebucket, virtual-host style.
    const auto ran = run_with({"sign", "get", "--endpoint", "https://s3.amazonaws.com", "--bucket",
                               "examplebucket", "--key", "test.txt", "--style", "virtual-host", "--region",
                               "us-east-1", "--expires", "86400", "--at", "20130524T000000Z"},
                              {},
                              {{"AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"},
                               {"AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}});
    EXPECT_EQ(ran.code, ExitCode::ok) << ran.err;
    EXPECT_THAT(
        ran.out,
        HasSubstr("X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"));
}

TEST(Sign, names_each_wrong_argument_as_usage_error) {
    const std::map<std::string, std::string> keys{{"AWS_ACCESS_KEY_ID", "id"},
                                                  {"AWS_SECRET_ACCESS_KEY", "canary-secret"}};
    const auto ran = [&](const char* method, std::vector<std::string> more) {
        std::vector<std::string> arguments{"sign",     method,  "--endpoint", "http://127.0.0.1:9000",
                                           "--bucket", "photos"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        return run_with(arguments, {}, keys);
    };
    const std::pair<std::vector<std::string>, const char*> cases[] = {
        {{"--key", "k", "--expires", "604801"}, "--expires"},
        {{"--key", "k", "--expires", "0"}, "--expires"},
        {{"--key", "k", "--at", "2026-11-20"}, "--at"},
        {{"--key", "k", "--header", "nothing"}, "--header"},
        {{"--key", "k", "--style", "dns"}, "--style"},
        {{"--key", std::string(1025, 'k')}, "--key"},
        {{"--key", "k", "--region", "EU West"}, "--region"}};
    for (const auto& [arguments, named] : cases) {
        const auto result = ran("put", arguments);
        EXPECT_EQ(result.code, ExitCode::usage) << named;
        EXPECT_THAT(result.err, HasSubstr(named));
        EXPECT_EQ(result.out, "");
    }
    EXPECT_THAT(ran("post", {}).err, HasSubstr("a form needs --bucket and --key"));
    EXPECT_THAT(ran("post", {"--key", "k", "--content-length-range", "9,1"}).err,
                HasSubstr("--content-length-range"));
    EXPECT_EQ(run_with({"sign", "put", "--endpoint", "http://a", "--bucket", "abc", "--key", "k"}).code,
              ExitCode::usage);
}

TEST(Sign, accepts_only_basic_format_timestamps) {
    EXPECT_EQ(parse_basic_timestamp("19700101T000001Z"), Timestamp{std::chrono::seconds{1}});
    for (const auto* wrong :
         {"", "20261120T123456", "2026112XT123456Z", "20261320T123456Z", "20261120 123456Z"})
        EXPECT_FALSE(parse_basic_timestamp(wrong)) << wrong;
}

}  // namespace
}  // namespace photogate::gateway::cli
