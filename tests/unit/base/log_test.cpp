#include "base/log.hpp"

#include <cmath>
#include <limits>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "base/log_stats.hpp"

namespace photogate::log {
namespace {

using nlohmann::json;

std::string json_line(std::string_view event, Fields fields) {
    return render(Format::json, Level::info, "2026-11-20T12:34:56.789Z", event, fields);
}
std::string text_line(std::string_view event, Fields fields) {
    return render(Format::text, Level::warn, "2026-11-20T12:34:56.789Z", event, fields);
}

TEST(Log, writes_event_as_one_object_with_fields) {
    const auto line =
        json_line("upload.published", {{"upload", "upl_1"}, {"ms", 412}, {"ratio", 0.5}, {"again", false}});
    EXPECT_EQ(
        line,
        R"({"ts":"2026-11-20T12:34:56.789Z","level":"info","msg":"upload.published","upload":"upl_1","ms":412,"ratio":0.5,"again":false})");
    EXPECT_EQ(text_line("upload.published", {{"upload", "upl_1"}, {"ms", 412}, {"note", "two words"}}),
              R"(2026-11-20T12:34:56.789Z warn  upload.published upload=upl_1 ms=412 note="two words")");
}

TEST(Log, escapes_line_breaks_in_values) {
    for (const std::string& value :
         {std::string{"a\"\n{\"level\":\"x"}, std::string{"a\r\nb"}, std::string{"\\"}, std::string{"\\\""},
          std::string{"\0\x01\x1b[31m\x7f", 8}, std::string{"\xff\xfe"},
          std::string{"\xc2\x9b"
                      "31m"},
          std::string{"\u2028"}, std::string{"}"}}) {
        const auto line = json_line("event", {{"value", value}, {"after", 1}});
        const auto read = json::parse(line, nullptr, false);
        ASSERT_FALSE(read.is_discarded()) << line;
        EXPECT_EQ(read.size(), 5U) << line;
        EXPECT_EQ(read.at("level").get<std::string>(), "info");
        EXPECT_EQ(read.at("after").get<int>(), 1);
        for (const auto& each : {line, text_line("event", {{"value", value}})}) {
            for (char c : each)
                EXPECT_TRUE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7F) << each;
            EXPECT_EQ(each.find("\xc2\x9b"), std::string::npos) << "a terminal would take it for a command";
        }
    }
    EXPECT_EQ(json::parse(json_line("event", {{"v", "a\"\n{\"level\":\"x"}})).at("v").get<std::string>(),
              "a\"\n{\"level\":\"x");
}

TEST(Log, escapes_line_breaks_in_event_and_field_names) {
    const auto line = json_line("a\"\n", {{"b\"\n", 1}});
    EXPECT_EQ(json::parse(line).at("msg").get<std::string>(), "a\"\n");
    EXPECT_EQ(line.find('\n'), std::string::npos);
    EXPECT_EQ(text_line("a\nb", {{"c\nd", 1}}).find('\n'), std::string::npos);
}

TEST(Log, writes_every_number_as_valid_json) {
    const auto line = json_line("event", {{"nan", std::nan("")},
                                          {"infinite", -std::numeric_limits<double>::infinity()},
                                          {"large", 1e300},
                                          {"unsigned", std::numeric_limits<std::uint64_t>::max()},
                                          {"least", std::numeric_limits<std::int64_t>::min()}});
    const auto read = json::parse(line, nullptr, false);
    ASSERT_FALSE(read.is_discarded()) << line;
    EXPECT_EQ(read.at("unsigned").get<std::uint64_t>(), std::numeric_limits<std::uint64_t>::max());
    EXPECT_EQ(read.at("least").get<std::int64_t>(), std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(read.at("large").get<double>(), 1e300);
    EXPECT_TRUE(read.at("nan").is_string());
}

TEST(Log, redacts_every_value) {
    for (auto format : {Format::json, Format::text}) {
        const auto line = render(
            format, Level::error, "t", "failed with Bearer abcdef",
            {{"url", "http://h/k?X-Amz-Signature=0123abcd&x=1"}, {"dsn", "postgresql://u:hunter2@h/db"}});
        for (const char* secret : {"abcdef", "0123abcd", "hunter2"})
            EXPECT_EQ(line.find(secret), std::string::npos) << line;
    }
}

TEST(Log, drops_lines_instead_of_blocking_on_a_stopped_reader) {
    int ends[2];
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    ASSERT_GT(::fcntl(ends[1], F_SETPIPE_SZ, 4096), 0);
    const int before = ::dup(STDERR_FILENO);
    ASSERT_GE(before, 0);
    ASSERT_EQ(::dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    const auto dropped_before = dropped();
    for (int line = 0; line < 1000; ++line)
        info("nobody.reads", {{"line", line}, {"filling", std::string(300, 'x')}});
    info("nobody.reads", {{"filling", std::string(100'000, 'y')}});
    ASSERT_EQ(::dup2(before, STDERR_FILENO), STDERR_FILENO);
    EXPECT_GT(dropped() - dropped_before, 900U);
    ::close(before);
    ::close(ends[0]);
    ::close(ends[1]);
}

}  // namespace
}  // namespace photogate::log
