#include <gtest/gtest.h>

#include "pipeline/grant.hpp"

namespace photogate::pipeline {
namespace {

TEST(Filename, removes_path_parts) {
    EXPECT_EQ(clean_filename("../../etc/passwd"), "passwd");
    EXPECT_EQ(clean_filename("C:\\Users\\me\\photo.jpg"), "photo.jpg");
    EXPECT_EQ(clean_filename("a/"), "unnamed");
    EXPECT_EQ(clean_filename(".."), "unnamed");
    EXPECT_EQ(clean_filename("   "), "unnamed");
}

TEST(Filename, removes_controls_and_direction_marks_and_keeps_all_scripts) {
    EXPECT_EQ(clean_filename("photo\n\x1b[31m.jpg"), "photo[31m.jpg");
    EXPECT_EQ(clean_filename("gpj.\u202Eexe"), "gpj.exe");
    EXPECT_EQ(clean_filename("日本語 😀.jpg"), "日本語 😀.jpg");
}

TEST(Filename, is_cut_between_characters) {
    std::string longest;
    for (int i = 0; i < 300; ++i)
        longest += "ü";
    EXPECT_EQ(clean_filename(longest)->size(), 400U);
}

TEST(Filename, rejects_nul_and_malformed_text) {
    EXPECT_FALSE(clean_filename(std::string_view("a\0b", 3)));
    EXPECT_FALSE(clean_filename("\xff\xfe"));
}

}  // namespace
}  // namespace photogate::pipeline
