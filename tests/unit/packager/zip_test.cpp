#include "packager/zip.hpp"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/encoding.hpp"

namespace photogate::packager {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::sys_seconds kNoon =
    std::chrono::sys_days{std::chrono::year{2026} / 5 / 17} + 12h + 34min + 57s;

std::uint64_t number(std::string_view bytes, std::size_t at, std::size_t length) {
    std::uint64_t value = 0;
    for (std::size_t i = length; i > 0; --i)
        value = value << 8U | static_cast<std::uint8_t>(bytes.at(at + i - 1));
    return value;
}

std::string hex(std::string_view bytes) {
    return hex_lower(as_bytes(bytes));
}

TEST(Zip, local_header_of_small_entry_has_the_bytes_of_the_specification) {
    const Entry entry{.name = "a.jpg", .size = 3, .crc32 = 0x352441C2, .modified = kNoon};
    EXPECT_EQ(hex(local_header(entry)),
              "504b0304"  // signature
              "0a00"
              "0000"
              "0000"  // 1.0, no flags, stored
              "5c64"
              "b15c"  // 12:34:56, 2026-05-17
              "c2412435"
              "03000000"
              "03000000"
              "0500"
              "0900"
              "612e6a7067"
              "5554"
              "0500"
              "01"
              "f1b5096a");
}

TEST(Zip, central_record_repeats_local_header_and_says_where_it_is) {
    const Entry entry{.name = "a.jpg", .size = 3, .crc32 = 0x352441C2, .modified = kNoon};
    const std::string local = local_header(entry);
    const std::string central = central_record(entry, 0x1234);
    EXPECT_EQ(hex(central.substr(0, 6)), "504b01022d03");
    EXPECT_EQ(central.substr(6, 24), local.substr(4, 24));
    EXPECT_EQ(number(central, 38, 4), 0100644U << 16U);
    EXPECT_EQ(number(central, 42, 4), 0x1234U);
    EXPECT_EQ(central.substr(46), local.substr(30));
}

TEST(Zip, flags_name_as_utf8_only_if_it_is_not_ascii) {
    EXPECT_EQ(number(local_header({.name = "plain"}), 6, 2), 0U);
    EXPECT_EQ(number(local_header({.name = "é.jpg"}), 6, 2), 1U << 11U);
    EXPECT_EQ(number(central_record({.name = "é.jpg"}, 0), 8, 2), 1U << 11U);
}

TEST(Zip, sizes_are_those_of_the_bytes) {
    for (const std::uint64_t size : {0ULL, 1ULL, 0xFFFF'FFFEULL, 0xFFFF'FFFFULL, 0x1'0000'0000ULL}) {
        for (const auto modified : {kNoon, std::chrono::sys_seconds{-5s}, kNoon + 24h * 36'500}) {
            for (const std::uint64_t offset : {0ULL, 0xFFFF'FFFEULL, 0xFFFF'FFFFULL, 1ULL << 40U}) {
                const Entry entry{.name = "ordner/é.jpg", .size = size, .modified = modified};
                EXPECT_EQ(local_header(entry).size(), local_header_size(entry));
                EXPECT_EQ(central_record(entry, offset).size(), central_record_size(entry, offset));
            }
        }
    }
    for (const std::uint64_t entries : {0ULL, 65'534ULL, 65'535ULL})
        for (const std::uint64_t offset : {0ULL, 0xFFFF'FFFEULL, 0xFFFF'FFFFULL})
            EXPECT_EQ(end_of_archive(entries, offset, 5).size(), end_of_archive_size(entries, offset, 5));
}

TEST(Zip, has_zip64_fields_only_where_a_value_needs_them) {
    const Entry largest{.name = "x", .size = 0xFFFF'FFFE};
    EXPECT_EQ(number(local_header(largest), 4, 2), 10U);
    EXPECT_EQ(number(local_header(largest), 18, 4), 0xFFFF'FFFEU);
    EXPECT_EQ(central_record_size(largest, 0xFFFF'FFFE), 46U + 1 + 9);

    const Entry large{.name = "x", .size = 0xFFFF'FFFF};
    const std::string local = local_header(large);
    EXPECT_EQ(number(local, 4, 2), 45U);
    EXPECT_EQ(number(local, 18, 4), 0xFFFF'FFFFU);
    EXPECT_EQ(number(local, 22, 4), 0xFFFF'FFFFU);
    EXPECT_EQ(hex(local.substr(31, 20)),
              "01001000"
              "ffffffff00000000"
              "ffffffff00000000");

    const std::string far = central_record(largest, 0xFFFF'FFFF);
    EXPECT_EQ(number(far, 6, 2), 45U);
    EXPECT_EQ(number(far, 42, 4), 0xFFFF'FFFFU);
    EXPECT_EQ(hex(far.substr(47, 12)),
              "01000800"
              "ffffffff00000000");

    const std::string both = central_record(large, 1ULL << 40U);
    EXPECT_EQ(hex(both.substr(47, 28)),
              "01001800"
              "ffffffff00000000"
              "ffffffff00000000"
              "0000000000010000");
}

TEST(Zip, end_has_zip64_records_from_65535_entries_or_4_gib_on) {
    EXPECT_EQ(hex(end_of_archive(0, 0, 0)),
              "504b0506"
              "0000"
              "0000"
              "0000"
              "0000"
              "00000000"
              "00000000"
              "0000");
    EXPECT_EQ(end_of_archive(65'534, 0xFFFF'FFFE, 0xFFFF'FFFE).size(), 22U);
    const std::string end = end_of_archive(65'535, 1'000, 500);
    ASSERT_EQ(end.size(), 98U);
    EXPECT_EQ(hex(end.substr(0, 12)),
              "504b0606"
              "2c00000000000000");
    EXPECT_EQ(number(end, 24, 8), 65'535U);
    EXPECT_EQ(number(end, 32, 8), 65'535U);
    EXPECT_EQ(number(end, 40, 8), 500U);
    EXPECT_EQ(number(end, 48, 8), 1'000U);
    EXPECT_EQ(hex(end.substr(56, 4)), "504b0607");
    EXPECT_EQ(number(end, 64, 8), 1'500U);
    EXPECT_EQ(number(end, 72, 4), 1U);
    EXPECT_EQ(number(end, 84, 2), 0xFFFFU);
    EXPECT_EQ(number(end, 88, 4), 500U);
    EXPECT_EQ(number(end, 92, 4), 1'000U);
    EXPECT_EQ(number(end_of_archive(3, 0x1'0000'0000, 5), 76 + 16, 4), 0xFFFF'FFFFU);
}

TEST(Zip, times_are_held_within_what_the_format_can_say) {
    using namespace std::chrono;
    const auto date = [](sys_seconds at) {
        return number(local_header({.name = "x", .modified = at}), 12, 2);
    };
    const auto time = [](sys_seconds at) {
        return number(local_header({.name = "x", .modified = at}), 10, 2);
    };
    EXPECT_EQ(date(sys_seconds{}), 1U << 5U | 1U);
    EXPECT_EQ(time(sys_seconds{}), 0U);
    EXPECT_EQ(date(sys_days{year{2300} / 1 / 1}), 127U << 9U | 12U << 5U | 31U);
    EXPECT_EQ(time(sys_days{year{2300} / 1 / 1}), 23U << 11U | 59U << 5U | 29U);
    EXPECT_EQ(date(sys_days{year{2024} / 2 / 29}), 44U << 9U | 2U << 5U | 29U);
    EXPECT_EQ(local_header_size({.name = "x", .modified = sys_seconds{-1s}}), 31U);
    EXPECT_EQ(local_header_size({.name = "x", .modified = sys_seconds{0x7FFF'FFFFs}}), 40U);
    EXPECT_EQ(local_header_size({.name = "x", .modified = sys_seconds{0x8000'0000s}}), 31U);
}

TEST(Zip, crc32_is_that_of_the_check_value) {
    EXPECT_EQ(crc32(0, as_bytes("123456789")), 0xCBF43926U);
    EXPECT_EQ(crc32(crc32(0, as_bytes("1234")), as_bytes("56789")), 0xCBF43926U);
    EXPECT_EQ(crc32(0, {}), 0U);
}

TEST(Layout, places_entries_without_gaps) {
    const std::vector<Entry> entries = {
        {.name = "a", .size = 10}, {.name = "b/é", .size = 0}, {.name = "c", .size = 5'000'000'000}};
    Layout layout;
    std::uint64_t offset = 0;
    std::uint64_t directory = 0;
    for (const auto& entry : entries) {
        EXPECT_EQ(layout.directory_size(), directory);
        EXPECT_EQ(layout.add(entry), offset);
        directory += central_record(entry, offset).size();
        offset += local_header(entry).size() + entry.size;
    }
    EXPECT_EQ(layout.finish(), (Extent{3, offset, directory,
                                       offset + directory + end_of_archive(3, offset, directory).size()}));
}

TEST(Layout, of_nothing_is_an_archive) {
    EXPECT_EQ(Layout{}.finish(), (Extent{0, 0, 0, 22}));
}

TEST(Layout, continues_where_another_stopped) {
    Layout whole;
    Layout first;
    for (Layout* layout : {&whole, &first})
        layout->add({.name = "a", .size = 5});
    Layout second{first.entries(), first.next_offset(), first.directory_size()};
    EXPECT_EQ(whole.add({.name = "b", .size = 6}), second.add({.name = "b", .size = 6}));
    EXPECT_EQ(whole.finish(), second.finish());
}

}  // namespace
}  // namespace photogate::packager
