#include "gateway/cli/client_arguments.hpp"

#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/cli/program.hpp"

namespace photogate::gateway::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Ran {
    ExitCode code;
    std::string out;
    std::string err;
};

/// A port that nobody listens on: a command that gets so far was understood.
constexpr const char* kNobody = "http://127.0.0.1:1";

Ran run_client(std::vector<std::string> arguments, std::map<std::string, std::string> environment = {},
               const std::string& input = {}) {
    std::ostringstream out;
    std::ostringstream err;
    std::istringstream in{input};
    const ManualClock clock{Timestamp{std::chrono::seconds{1'795'178'096}}};
    SeededRandom random{5};
    const auto code =
        run({std::move(arguments), std::move(environment), "/opt/photogate", out, err, clock, random, {}, in},
            {});
    return {code, out.str(), err.str()};
}

const std::map<std::string, std::string> kKey{{"PHOTOGATE_KEY", "pg_shop_secret"},
                                              {"PHOTOGATE_GATEWAY", kNobody}};

TEST(ClientArguments, every_command_reaches_for_the_gateway) {
    const std::vector<std::vector<std::string>> commands{
        {"uploads", "list"},
        {"uploads", "list", "--state", "published", "--profile", "p", "--app", "a", "--metadata", "a=b",
         "--metadata", "c=", "--limit", "3", "--created-after", "2026-11-20T00:00:00Z", "--json"},
        {"uploads", "list", "--all", "--similar-to", "upl_x"},
        {"uploads", "show", "upl_x", "upl_y"},
        {"uploads", "timeline", "upl_x"},
        {"uploads", "retry", "upl_x"},
        {"uploads", "delete", "upl_x", "--json"},
        {"callbacks", "list", "--state", "dead", "--upload", "upl_x"},
        {"callbacks", "show", "msg_x"},
        {"callbacks", "replay", "msg_x", "msg_y"},
        {"callbacks", "replay", "--since", "2026-11-20T00:00:00Z", "--state", "dead", "--type",
         "upload.published"}};
    for (const auto& command : commands) {
        const auto ran = run_client(command, kKey);
        EXPECT_EQ(ran.code, ExitCode::dependency_unavailable) << ran.err;
        EXPECT_THAT(ran.err, HasSubstr("http://127.0.0.1:1 can't be reached")) << command.at(1);
        EXPECT_THAT(ran.err, Not(HasSubstr("pg_shop_secret")));
    }
}

TEST(ClientArguments, what_is_wrong_is_said_before_anything_is_called) {
    const std::vector<std::pair<std::vector<std::string>, std::string>> commands{
        {{"uploads"}, "subcommand"},
        {{"uploads", "show"}, "ID"},
        {{"uploads", "timeline", "a", "b"}, "b"},
        {{"uploads", "list", "--limit", "0"}, "no number from 1"},
        {{"uploads", "list", "--metadata", "=x"}, "NAME=VALUE"},
        {{"uploads", "list", "--gateway", "ftp://a"}, "the gateway 'ftp://a'"},
        {{"callbacks", "replay"}, "--since"},
        {{"callbacks", "replay", "msg_x", "--since", "2026-11-20T00:00:00Z"}, "excludes"},
        {{"callbacks", "replay", "msg_x", "--until", "2026-11-20T00:00:00Z"}, "requires"},
        {{"upload"}, "FILE"},
        {{"upload", "a.jpg", "--method", "carrier-pigeon"}, "none of auto, put"},
        {{"upload", "a.jpg", "--parallel", "65"}, "from 1 to 64"},
        {{"listen"}, "--forward"},
        {{"listen", "--forward", "localhost:3000"}, "http://"}};
    for (const auto& [command, said] : commands) {
        const auto ran = run_client(command, kKey);
        EXPECT_EQ(ran.code, ExitCode::usage) << command.at(0);
        EXPECT_THAT(ran.err, HasSubstr(said));
        EXPECT_EQ(ran.out, "");
    }
}

TEST(ClientArguments, key_comes_from_standard_input_or_the_environment_and_never_from_an_argument) {
    const auto none = run_client({"uploads", "list", "--gateway", kNobody});
    EXPECT_EQ(none.code, ExitCode::usage);
    EXPECT_THAT(none.err, HasSubstr("--key-file"));
    EXPECT_EQ(run_client({"uploads", "list", "--key", "pg_x"}, kKey).code, ExitCode::usage);
    const std::vector<std::string> piped{"uploads", "list", "--gateway", kNobody, "--key-file", "-"};
    EXPECT_EQ(run_client(piped, {}, "pg_shop_x\nmore\n").code, ExitCode::dependency_unavailable);
    EXPECT_EQ(run_client(piped, {}, "").code, ExitCode::usage);
    EXPECT_EQ(run_client(piped, {}, "pg_shop x\n").code, ExitCode::usage);
    EXPECT_EQ(run_client(piped, {}, std::string(5'000, 'x')).code, ExitCode::usage);
    const auto missing = run_client({"uploads", "list", "--key-file", "/nowhere/key"}, kKey);
    EXPECT_EQ(missing.code, ExitCode::usage);
    EXPECT_THAT(missing.err, HasSubstr("/nowhere/key"));
}

TEST(ClientArguments, warns_where_a_key_would_go_unencrypted) {
    auto elsewhere = kKey;
    elsewhere["PHOTOGATE_GATEWAY"] = "http://photos.invalid";
    EXPECT_THAT(run_client({"uploads", "list"}, elsewhere).err, HasSubstr("unencrypted"));
    EXPECT_THAT(run_client({"uploads", "list"}, kKey).err, Not(HasSubstr("unencrypted")));
}

TEST(SetupCommand, needs_an_endpoint_an_administrator_and_the_right_mc) {
    EXPECT_EQ(run_client({"setup", "minio"}).code, ExitCode::usage);
    const std::vector<std::string> setup{"setup", "minio", "--endpoint", kNobody, "--mc", "/bin/true"};
    const auto nobody = run_client(setup);
    EXPECT_EQ(nobody.code, ExitCode::usage);
    EXPECT_THAT(nobody.err, HasSubstr("AWS_ACCESS_KEY_ID"));
    const auto another = run_client(setup, {{"AWS_ACCESS_KEY_ID", "a"}, {"AWS_SECRET_ACCESS_KEY", "canary"}});
    EXPECT_EQ(another.code, ExitCode::failure);
    EXPECT_THAT(another.err, HasSubstr("/bin/true is not MinIO's program mc"));
    EXPECT_THAT(another.err, Not(HasSubstr("canary")));
}

TEST(ClientArguments, a_file_that_is_not_there_is_named) {
    const auto ran = run_client({"upload", "/nowhere/a.jpg"}, kKey);
    EXPECT_EQ(ran.code, ExitCode::failure);
    EXPECT_THAT(ran.err, HasSubstr("/nowhere/a.jpg: "));
}

}  // namespace
}  // namespace photogate::gateway::cli
