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
    EXPECT_EQ(clean_filename(" . "), "unnamed") << "to curl -T, standard input";
    EXPECT_EQ(clean_filename(" .."), "unnamed");
}

TEST(Filename, removes_controls_and_direction_marks_and_keeps_all_scripts) {
    EXPECT_EQ(clean_filename("photo\n\x1b[31m.jpg"), "photo[31m.jpg");
    EXPECT_EQ(clean_filename("gpj.\u202Eexe"), "gpj.exe");
    EXPECT_EQ(clean_filename("日本語 😀.jpg"), "日本語 😀.jpg");
}

TEST(Filename, keeps_joiners_and_removes_what_breaks_or_turns_lines) {
    for (const char* kept : {"\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645.jpg",
                             "\U0001F468\u200d\U0001F469\u200d\U0001F467.png", "\u2764\ufe0f.jpg"})
        EXPECT_EQ(clean_filename(kept), kept);
    for (const char* removed :
         {"\u2028", "\u2029", "\u202a", "\u202b", "\u202c", "\u202d", "\u202e", "\u2066",
          "\u2067", "\u2068", "\u2069", "\u200e", "\u200f", "\u061c", "\u200b", "\u2060",
          "\ufeff", "\u0085", "\r",     "\n",     "\t",     "\x7f"})
        EXPECT_EQ(clean_filename(std::string{"a"} + removed + "b.jpg"), "ab.jpg");
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
