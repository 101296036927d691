#include "gateway/config/given.hpp"

#include <gtest/gtest.h>

namespace photogate::gateway::config {
namespace {

using namespace std::chrono_literals;

RawValue untyped(std::string text) {
    return Untyped{{std::move(text)}};
}
constexpr Range kAny{0, 1ULL << 62};

TEST(RawValue, accepts_sizes_in_units_of_1024_and_1000) {
    const std::pair<const char*, std::uint64_t> cases[] = {
        {"0", 0},           {"17", 17},     {"1B", 1},          {"25MiB", 25U << 20},  {"8 KiB", 8192},
        {"1GiB", 1U << 30}, {"2KB", 2'000}, {"3MB", 3'000'000}, {"1GB", 1'000'000'000}};
    for (const auto& [text, bytes] : cases) {
        EXPECT_EQ(read_size(untyped(text), kAny).value_or(~0ULL), bytes) << text;
        EXPECT_EQ(read_size(std::string{text}, kAny).value_or(~0ULL), bytes) << text;
    }
    EXPECT_EQ(read_size(std::int64_t{42}, kAny).value_or(0), 42U);
}

TEST(RawValue, rejects_malformed_sizes) {
    for (const auto* text :
         {"", "MiB", "-1", "1.5MiB", "1mib", "1 0", "99999999999GiB", "18446744073709551616", "0x10", "+1"}) {
        EXPECT_FALSE(read_size(untyped(text), kAny)) << text;
    }
    EXPECT_FALSE(read_size(std::int64_t{-1}, kAny));
    EXPECT_FALSE(read_size(true, kAny));
}

TEST(RawValue, accepts_durations_in_seconds_or_with_unit) {
    const std::pair<const char*, std::chrono::milliseconds> cases[] = {
        {"0", 0ms}, {"15", 15s}, {"500ms", 500ms}, {"15s", 15s}, {"5m", 5min}, {"2h", 2h}, {"7d", 168h}};
    for (const auto& [text, duration] : cases) {
        EXPECT_EQ(read_duration(untyped(text), {0ms, 1000h}).value_or(-1ms), duration) << text;
    }
    EXPECT_EQ(read_duration(std::int64_t{15}, {0ms, 1h}).value_or(-1ms), 15s);
    for (const auto* text : {"", "s", "1.5s", "-1s", "1w", "1 s 2", "99999999999999d"}) {
        EXPECT_FALSE(read_duration(untyped(text), {0ms, 1000h})) << text;
    }
}

TEST(RawValue, reports_value_and_bounds_when_out_of_range) {
    EXPECT_EQ(read_integer(untyped("0"), {1, 64}).error(), "is 0, but must be 1 to 64");
    EXPECT_EQ(read_integer(std::int64_t{-3}, {1, 64}).error(), "is -3, but must be 1 to 64");
    EXPECT_EQ(read_size(untyped("1"), {1024, 1 << 20}).error(), "is 1, but must be 1KiB to 1MiB");
    EXPECT_EQ(read_duration(untyped("8d"), {1s, 168h}).error(), "is 8d, but must be 1s to 7d");
}

TEST(RawValue, rejects_file_value_of_wrong_type_by_name) {
    EXPECT_EQ(read_integer(std::string{"8"}, {1, 64}).error(), "must be an integer, but is a text");
    EXPECT_EQ(read_text(std::int64_t{8}).error(), "must be a text, but is an integer");
    EXPECT_EQ(read_boolean(std::string{"true"}).error(), "must be true or false, but is a text");
    EXPECT_EQ(read_list(std::string{"a"}).error(), "must be a list of texts, but is a text");
    EXPECT_EQ(read_text(Unfit{"a date or time"}).error(), "must be a text, but is a date or time");
}

TEST(RawValue, rejects_repeated_flag_for_single_value) {
    EXPECT_EQ(read_text(Untyped{{"a", "b"}}).error(), "is given more than once");
    EXPECT_EQ(read_integer(Untyped{{"1", "2"}}, {0, 9}).error(), "is given more than once");
}

TEST(RawValue, splits_lists_at_commas_and_appends_flags) {
    EXPECT_EQ(*read_list(untyped(" a, b ,,c")), (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_EQ(*read_list(Untyped{{"a,b", "c"}}), (std::vector<std::string>{"a", "b", "c"}));
    EXPECT_TRUE(read_list(untyped(""))->empty());
}

TEST(RawValue, writes_values_in_the_largest_fitting_unit) {
    EXPECT_EQ(size_text(25U << 20), "25MiB");
    EXPECT_EQ(size_text(1500), "1500");
    EXPECT_EQ(size_text(0), "0");
    EXPECT_EQ(duration_text(15min), "15m");
    EXPECT_EQ(duration_text(90min), "90m");
    EXPECT_EQ(duration_text(48h), "2d");
    EXPECT_EQ(duration_text(1500ms), "1500ms");
    EXPECT_EQ(duration_text(0ms), "0s");
}

}  // namespace
}  // namespace photogate::gateway::config
