#include "packager/names.hpp"

#include <chrono>
#include <set>
#include <string>

#include <gtest/gtest.h>

#include "base/encoding.hpp"

namespace photogate::packager {
namespace {

using namespace std::string_literals;

TEST(SafeName, is_as_wished_where_nothing_is_wrong) {
    for (const std::string name :
         {"photo.jpg", "Ceremony/001.jpg", "Fotos/Größe ß.jpg", "写真/桜.jpg", "фото.jpg", "صورة.jpg",
          "תמונה.jpg", "ภาพ.jpg", "📷 👨‍👩‍👧.jpg", "a.tar.gz", "COM.jpg", "CONSOLE.jpg",
          "COM10", "nulls", "a b (2).jpg", "100%.jpg", "~a", "#1", "a'b"})
        EXPECT_EQ(safe_name(name), name);
}

TEST(SafeName, stays_within_its_folder) {
    EXPECT_EQ(safe_name("../x"), "x");
    EXPECT_EQ(safe_name("a/../../../etc/passwd"), "a/etc/passwd");
    EXPECT_EQ(safe_name("/abs"), "abs");
    EXPECT_EQ(safe_name("//server/share/x"), "server/share/x");
    EXPECT_EQ(safe_name("a\\..\\b"), "a/b");
    EXPECT_EQ(safe_name("C:x"), "C_x");
    EXPECT_EQ(safe_name("C:\\Windows\\x"), "C_/Windows/x");
    EXPECT_EQ(safe_name("./a/./b"), "a/b");
    EXPECT_EQ(safe_name("a//b/"), "a/b");
    EXPECT_EQ(safe_name(". ./.../x"), "x");
    EXPECT_EQ(safe_name("\xE2\x80\xAE../x"), "x") << "hidden by a character that is left out";
}

TEST(SafeName, of_nothing_is_unnamed) {
    for (const std::string name :
         {"", "/", "..", "...", " ", ". .", "../..", "\\", "\xE2\x80\xAE", "\xE3\x80\x80"})
        EXPECT_EQ(safe_name(name), "unnamed") << name;
    EXPECT_EQ(safe_name("\xE2\x80\x8B"), "_") << "of an invisible character";
}

TEST(SafeName, has_no_control_characters) {
    EXPECT_EQ(safe_name("a\0b"s), "a_b");
    EXPECT_EQ(safe_name("a\n\r\t\x1B[31m\x7F"), "a____[31m_");
    EXPECT_EQ(safe_name("a\xC2\x85"
                        "b\xE2\x80\xA8"
                        "c\xE2\x80\xA9"
                        "d"),
              "a_b_c_d");
    EXPECT_EQ(safe_name("\xEF\xBB\xBF"
                        "a"),
              "a");
    EXPECT_EQ(safe_name("\xEF\xBF\xBE"
                        "a"),
              "_a");
}

TEST(SafeName, has_no_bidirectional_controls) {
    EXPECT_EQ(safe_name("photo\xE2\x80\xAEgpj.exe"), "photogpj.exe");
    EXPECT_EQ(safe_name("a\xE2\x81\xA6"
                        "b\xE2\x81\xA9"
                        "c\xD8\x9C"
                        "d\xE2\x80\x8F"),
              "abcd");
}

TEST(SafeName, is_utf8_and_composed) {
    EXPECT_EQ(safe_name("a\xFF\xC0\xAF"
                        "b"),
              "a___b");
    EXPECT_EQ(safe_name("e\xCC\x81.jpg"), "é.jpg");
    EXPECT_EQ(safe_name("e\xE2\x80\xAE\xCC\x81.jpg"), "é.jpg") << "composed after what stood between is gone";
}

TEST(SafeName, is_one_on_windows) {
    EXPECT_EQ(safe_name("a<b>c:d\"e|f?g*h.jpg"), "a_b_c_d_e_f_g_h.jpg");
    EXPECT_EQ(safe_name("a.jpg."), "a.jpg");
    EXPECT_EQ(safe_name("a.jpg . ."), "a.jpg");
    EXPECT_EQ(safe_name(" a /b"), "a/b");
    for (const std::string name : {"CON", "con", "Prn.jpg", "AUX.tar.gz", "nul .txt", "COM1", "com9.jpg",
                                   "LPT1.x", "COM\xC2\xB9", "CONIN$"})
        EXPECT_EQ(safe_name(name), "_" + name);
    EXPECT_EQ(safe_name("a/NUL/b"), "a/_NUL/b");
    EXPECT_EQ(safe_name("CON" + std::string(300, ' ') + "x.jpg"), "_CON.jpg")
        << "a device only once it was cut";
}

TEST(SafeName, is_not_hidden) {
    EXPECT_EQ(safe_name(".htaccess"), "_htaccess");
    EXPECT_EQ(safe_name("a/.git/b"), "a/_git/b");
    EXPECT_EQ(safe_name(".jpg"), "_jpg");
}

TEST(SafeName, is_within_its_bounds_and_keeps_its_extension) {
    EXPECT_EQ(safe_name(std::string(300, 'a') + ".jpg"), std::string(250, 'a') + ".jpg");
    std::string wide;
    for (int i = 0; i < 100; ++i)
        wide += "桜";
    const std::string cut = safe_name(wide + ".jpg");
    EXPECT_LE(cut.size(), kLongestComponent);
    EXPECT_TRUE(is_utf8(cut) && cut.ends_with("桜.jpg"));
    EXPECT_LE(safe_name("a." + std::string(400, 'x')).size(), kLongestComponent);

    std::string deep;
    for (int i = 0; i < 100; ++i)
        deep += "d/";
    EXPECT_EQ(safe_name(deep + "x.jpg"), deep.substr(0, 2 * kMostFolders) + "x.jpg");
    std::string long_path;
    for (int i = 0; i < 10; ++i)
        long_path += std::string(200, static_cast<char>('a' + i)) + "/";
    const std::string kept = safe_name(long_path + "x.jpg");
    EXPECT_LE(kept.size(), kLongestPath);
    EXPECT_TRUE(kept.starts_with("aaa") && kept.ends_with("/x.jpg"));
    EXPECT_LE(safe_name(std::string(100'000, '.') + std::string(100'000, '/') + "\xCC").size(), kLongestPath);
}

TEST(SafeName, is_safe_already_if_it_was_made_safe) {
    for (const std::string name : {"../a\\CON/C:b. ", "e\xCC\x81", ".x", "\xFF", "CON"}) {
        const std::string safe = safe_name(name);
        EXPECT_EQ(safe_name(safe), safe);
    }
}

TEST(UniqueNames, number_twins_before_the_extension) {
    UniqueNames names;
    EXPECT_EQ(names.add("a.jpg"), "a.jpg");
    EXPECT_EQ(names.add("a.jpg"), "a (2).jpg");
    EXPECT_EQ(names.add("A.JPG"), "A (3).JPG");
    EXPECT_EQ(names.add("a (4).jpg"), "a (4).jpg");
    EXPECT_EQ(names.add("a.jpg"), "a (5).jpg");
    EXPECT_EQ(names.add("x"), "x");
    EXPECT_EQ(names.add("X"), "X (2)");
    EXPECT_EQ(names.add("b/a.jpg"), "b/a.jpg") << "another folder";
}

TEST(UniqueNames, tell_apart_what_differs_by_case_or_composition_alone) {
    UniqueNames names;
    EXPECT_EQ(names.add("STRASSE.jpg"), "STRASSE.jpg");
    EXPECT_EQ(names.add("straße.jpg"), "straße (2).jpg");
    EXPECT_EQ(names.add("\xC3\xA9.jpg"), "é.jpg");
    EXPECT_EQ(names.add("e\xCC\x81.jpg"), "é (2).jpg");
    EXPECT_EQ(names.add("É.jpg"), "É (3).jpg");
    EXPECT_EQ(names.add("ΣΑΣ.jpg"), "ΣΑΣ.jpg");
    EXPECT_EQ(names.add("σας.jpg"), "σας (2).jpg");
    EXPECT_EQ(names.add("a\xE2\x80\x8B.jpg"), "a\xE2\x80\x8B.jpg");
    EXPECT_EQ(names.add("a.jpg"), "a (2).jpg") << "its twin has an invisible character";
}

TEST(UniqueNames, folders_that_differ_by_case_are_one) {
    UniqueNames names;
    EXPECT_EQ(names.add("Ceremony/1.jpg"), "Ceremony/1.jpg");
    EXPECT_EQ(names.add("ceremony/2.jpg"), "Ceremony/2.jpg");
    EXPECT_EQ(names.add("CEREMONY/1.JPG"), "Ceremony/1 (2).JPG");
}

TEST(UniqueNames, no_folder_has_the_name_of_a_file) {
    UniqueNames names;
    EXPECT_EQ(names.add("a"), "a");
    EXPECT_EQ(names.add("A/b"), "A (2)/b");
    EXPECT_EQ(names.add("a/c"), "A (2)/c");
    EXPECT_EQ(names.add("a (2)/d"), "A (2)/d");
    EXPECT_EQ(names.add("x/y"), "x/y");
    EXPECT_EQ(names.add("X"), "X (2)");
    EXPECT_EQ(names.add("a (2)"), "a (2) (2)");
}

TEST(UniqueNames, twins_that_are_too_long_stay_within_the_bounds) {
    UniqueNames names;
    std::set<std::string> seen;
    for (int i = 0; i < 30; ++i) {
        const std::string name = names.add(std::string(251, 'a') + std::to_string(i % 3) + ".jpg");
        EXPECT_LE(name.size(), kLongestComponent);
        EXPECT_TRUE(seen.insert(name).second) << name;
    }
}

// A quadratic search would take minutes.
TEST(UniqueNames, cost_the_same_whoever_chooses_twins) {
    const auto begun = std::chrono::steady_clock::now();
    UniqueNames equal;
    for (int i = 0; i < 50'000; ++i)
        equal.add("photo.jpg");
    EXPECT_EQ(equal.add("photo.jpg"), "photo (50001).jpg");

    UniqueNames taken;
    for (int i = 0; i < 25'000; ++i)
        taken.add("a (" + std::to_string(i + 2) + ").jpg");
    for (int i = 0; i < 25'000; ++i)
        taken.add("a.jpg");
    EXPECT_EQ(taken.add("a.jpg"), "a (50001).jpg");

    UniqueNames cut;  // all of them are one once there is room for a number
    for (int i = 0; i < 10'000; ++i)
        for (int twin = 0; twin < 2; ++twin)
            cut.add(std::string(240, 'b') + std::to_string(10'000 + i) + ".jpg");
    EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds{30});
}

}  // namespace
}  // namespace photogate::packager
