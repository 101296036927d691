#include "client/print.hpp"

#include <sstream>

#include <gtest/gtest.h>

namespace photogate::client {
namespace {

TEST(Print, nothing_that_a_terminal_obeys_is_printed) {
    EXPECT_EQ(printable("a\x1b[2Jb\r\n\x07\x7f"), "a?[2Jb????");
    EXPECT_EQ(printable("\xC2\x9B"
                        "31m"),
              "?31m")
        << "CSI of C1";
    EXPECT_EQ(printable("photo\xE2\x80\xAEgpj.exe"), "photo?gpj.exe") << "U+202E";
    EXPECT_EQ(printable("\xE2\x81\xA6x\xE2\x81\xA9"), "?x?");
    EXPECT_EQ(printable("Zürich – 東京.jpg"), "Zürich – 東京.jpg");
    EXPECT_EQ(printable("\xFF"), "\xEF\xBF\xBD");
}

TEST(Print, sizes_have_three_or_four_digits) {
    EXPECT_EQ(size_text(std::nullopt), "");
    EXPECT_EQ(size_text(999), "999 B");
    EXPECT_EQ(size_text(1'000), "1.0 kB");
    EXPECT_EQ(size_text(999'960), "1.0 MB");
    EXPECT_EQ(size_text(4'213'587), "4.2 MB");
    EXPECT_EQ(size_text(5'000'000'000'000), "5.0 TB");
}

TEST(Print, times_are_without_their_fraction) {
    EXPECT_EQ(time_text("2026-11-20T12:35:01.910Z"), "2026-11-20 12:35:01");
    EXPECT_EQ(time_text("soon"), "soon");
}

TEST(Print, columns_are_as_wide_as_their_widest_cell) {
    Table table{{"ID", "NAME", "LAST"}};
    table.add({"1", "ü\n", ""});
    table.add({"123", "x", "y"});
    std::ostringstream out;
    table.print(out);
    EXPECT_EQ(out.str(), "ID   NAME  LAST\n1    ü?    -\n123  x     y\n");
}

}  // namespace
}  // namespace photogate::client
