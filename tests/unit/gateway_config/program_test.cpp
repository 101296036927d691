#include "gateway/cli/program.hpp"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/cli/sign_command.hpp"
#include "gateway/config/options.hpp"
#include "sample.hpp"

namespace photogate::gateway::cli {
namespace {

using config::testing::Folder;
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
    commands.all = [&](const config::Config&) { return log.push_back("all"), ExitCode::ok; };
    commands.serve = [&](const config::Config& c) {
        return log.push_back("serve " + c.server.listen.at(0).text()), ExitCode::cannot_bind;
    };
    commands.work = [&](const config::Config&) -> ExitCode { throw std::runtime_error("broke"); };
    commands.migrate = [&](const config::Config&, MigrateMode mode) {
        return log.push_back(mode == MigrateMode::dry_run ? "dry" : "apply"), ExitCode::ok;
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
    commands.all = [&](const config::Config& made) {
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
        run_with({"all", "--app-callback-url", "http://127.0.0.1:8081/"}, commands, {}, folder.path());
    EXPECT_EQ(second.code, ExitCode::ok) << second.err;
    EXPECT_THAT(second.err, Not(HasSubstr("API key")));
    EXPECT_EQ(seen, (std::vector<std::string>{"nowhere http://127.0.0.1:9000",
                                              "http://127.0.0.1:8081/ http://127.0.0.1:9000"}));
    EXPECT_EQ(run_with({"config", "check"}, commands, {}, folder.path()).code, ExitCode::ok);
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
    commands.all = [&](const config::Config& made) {
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
    EXPECT_THAT(run_with({"--help"}).out, Not(HasSubstr("serve")));
    std::vector<std::string> log;
    EXPECT_THAT(run_with({"--help"}, all_commands(log)).out, HasSubstr("serve"));
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

TEST(Program, shows_every_flag_in_help) {
    const auto help = run_with({"config", "check", "--help"}).out;
    for (const auto& table : config::tables()) {
        for (const auto& option : table.options)
            EXPECT_THAT(help, HasSubstr(config::flag(table, option)));
    }
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
    EXPECT_EQ(config::app_of_api_key(key), AppName::trusted("shop"));
    EXPECT_THAT(ran.out, HasSubstr(config::api_key_line(Secret{key})));
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
