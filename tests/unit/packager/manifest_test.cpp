#include "packager/manifest.hpp"

#include <string>

#include <gtest/gtest.h>

namespace photogate::packager {
namespace {

constexpr std::string_view kHead =
    "number,name,upload,original_name,state,size,crc32,sha256,taken_at,detail\r\n";

std::string csv(const ManifestRow& row) {
    Manifest manifest{ManifestFormat::csv};
    manifest.add(row);
    const std::string text = manifest.finish();
    EXPECT_TRUE(text.starts_with(kHead));
    return text.substr(kHead.size());
}

TEST(Manifest, csv_has_a_row_for_each_item) {
    EXPECT_EQ(csv({.number = 3,
                   .name = "a.jpg",
                   .upload = "upl_1",
                   .original_name = "A, \"b\"\n.jpg",
                   .size = 5,
                   .crc32 = 0xAB,
                   .sha256 = "00ff",
                   .taken_at = Timestamp{std::chrono::seconds{1}}}),
              "3,a.jpg,upl_1,\"A, \"\"b\"\"\n.jpg\",included,5,000000ab,00ff,1970-01-01T00:00:01.000Z,\r\n");
    EXPECT_EQ(csv({.upload = "upl_2", .state = "missing", .detail = "deleted"}),
              "1,,upl_2,,missing,,,,,deleted\r\n");
}

TEST(Manifest, csv_has_no_cell_that_a_spreadsheet_calculates) {
    for (const std::string start : {"=", "+", "-", "@", "\t", "\r"})
        EXPECT_EQ(csv({.original_name = start + "1\"x"}), "1,,,\"'" + start + "1\"\"x\",included,,,,,\r\n");
    EXPECT_EQ(csv({.original_name = "a=1"}), "1,,,a=1,included,,,,,\r\n");
}

TEST(Manifest, csv_is_utf8_whatever_the_names_are) {
    EXPECT_EQ(csv({.original_name = "\xFFx"}), "1,,,\xEF\xBF\xBDx,included,,,,,\r\n");
}

TEST(Manifest, json_has_a_member_for_each_item) {
    Manifest manifest{ManifestFormat::json};
    manifest.add({.number = 1, .name = "=a.jpg", .upload = "upl_1", .size = 5, .crc32 = 1});
    manifest.add({.number = 2, .upload = "upl_2", .state = "missing", .detail = "deleted"});
    EXPECT_EQ(
        manifest.finish(),
        R"({"items":[{"number":1,"name":"=a.jpg","upload":"upl_1","original_name":null,"state":"included","size":5,)"
        R"("crc32":"00000001","sha256":null,"taken_at":null,"detail":null},)"
        R"({"number":2,"name":null,"upload":"upl_2","original_name":null,"state":"missing","size":null,)"
        R"("crc32":null,"sha256":null,"taken_at":null,"detail":"deleted"}]})"
        "\n");
}

}  // namespace
}  // namespace photogate::packager
