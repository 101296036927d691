// What a URL says: names, words, numbers, and what is refused.
#include "delivery/parameters.hpp"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

namespace photogate::delivery {
namespace {

using imaging::Format;
using imaging::Gravity;
using FormatChoice = AskedImage::FormatChoice;

Result<AskedImage> read(std::string_view name, std::vector<NamedValue> query) {
    return read_parameters(name, query);
}

AskedImage good(std::string_view name, std::vector<NamedValue> query) {
    auto asked = read(name, std::move(query));
    EXPECT_TRUE(asked) << asked.error().detail;
    return asked.value_or(AskedImage{});
}

TEST(Parameters, of_a_plain_url_ask_for_the_published_image) {
    EXPECT_TRUE(good("", {}).is_plain());
    EXPECT_TRUE(good("holiday.jpg", {{"v", "7"}}).is_plain());
    EXPECT_TRUE(good("", {{"format", "origin"}}).is_plain());
    EXPECT_FALSE(good("", {{"format", "auto"}}).is_plain());
    EXPECT_FALSE(good("", {{"width", "400"}}).is_plain());
    EXPECT_FALSE(good("", {{"quality", "50"}}).is_plain());
}

TEST(Parameters, that_ask_for_the_same_have_one_query) {
    const auto query = [](std::string_view name, std::vector<NamedValue> pairs) {
        return canonical_query(good(name, std::move(pairs)));
    };
    EXPECT_EQ(query("", {}), "");
    EXPECT_EQ(query("beach.jpg", {{"v", "7"}, {"expires", "1"}, {"scope", "image"}, {"sig", "x"}}), "");
    EXPECT_EQ(query("", {{"dpr", "1"}, {"fit", "contain"}, {"g", "centre"}, {"format", "origin"}}), "");
    EXPECT_EQ(query("w800h600@1.50x.jpg", {{"q", "080"}, {"rt", "fill"}, {"g", "noea"}}),
              "width=800&height=600&dpr=1.5&fit=cover&gravity=northeast&format=jpeg&quality=80");
    EXPECT_EQ(query("", {{"format", "auto"}, {"w", "1"}, {"dpr", "1.100000023841858"}}),
              "width=1&dpr=1.1&format=auto");
    EXPECT_EQ(query("", {{"dpr", "2.0"}}), "dpr=2");
    EXPECT_EQ(query("", {{"dpr", "1.005"}}), "dpr=1.005");
    // What it says is read as what it was made of.
    for (const char* fit : {"cover", "fill"})
        for (const char* gravity : {"north", "attention", "entropy", "southwest"})
            for (const char* format : {"webp", "avif", "png", "gif"})
                EXPECT_EQ(query("", {{"fit", fit}, {"gravity", gravity}, {"format", format}}),
                          std::string{"fit="} + fit + "&gravity=" + gravity + "&format=" + format);
}

TEST(Parameters, of_links_are_ours_and_stand_once) {
    for (const char* name : {"expires", "scope", "sig"}) {
        EXPECT_TRUE(is_own_parameter(name));
        EXPECT_FALSE(read("", {{name, "a"}, {name, "a"}})) << name;
    }
}

TEST(Parameters, ask_for_a_placeholder_beside_whatever_else) {
    EXPECT_FALSE(good("", {{"width", "400"}}).placeholder);
    EXPECT_TRUE(good("w400.webp", {{"placeholder", "1"}}).placeholder);
    EXPECT_EQ(canonical_query(good("", {{"placeholder", "1"}, {"width", "400"}})), "width=400&placeholder=1")
        << "a link that was signed for the placeholder is none for the image";
    for (const char* wrong : {"", "0", "2", "true", "01"})
        EXPECT_FALSE(read("", {{"placeholder", wrong}})) << wrong;
    EXPECT_FALSE(read("", {{"placeholder", "1"}, {"placeholder", "1"}}));
}

TEST(Parameters, are_read_under_every_name) {
    for (const char* name : {"width", "w"})
        EXPECT_EQ(good("", {{name, "401"}}).width, 401U) << name;
    for (const char* name : {"height", "h"})
        EXPECT_EQ(good("", {{name, "65535"}}).height, 65'535U) << name;
    for (const char* name : {"quality", "q"})
        EXPECT_EQ(good("", {{name, "1"}}).quality, 1) << name;
    for (const char* name : {"format", "f"})
        EXPECT_EQ(good("", {{name, "jpg"}}).format, Format::jpeg) << name;
    for (const char* name : {"gravity", "g"})
        EXPECT_EQ(good("", {{name, "northeast"}}).gravity, Gravity::north_east) << name;
}

TEST(Parameters, have_the_words_of_other_services) {
    struct Row {
        const char* name;
        const char* word;
        AskedFit fit;
    };
    const Row rows[] = {{"fit", "inside", AskedFit::inside},     {"fit", "contain", AskedFit::inside},
                        {"fit", "scale-down", AskedFit::inside}, {"fit", "cover", AskedFit::cover},
                        {"fit", "crop", AskedFit::cover},        {"fit", "fill", AskedFit::fill},
                        {"fit", "squeeze", AskedFit::fill},      {"resize", "contain", AskedFit::inside},
                        {"resize", "cover", AskedFit::cover},    {"resize", "fill", AskedFit::fill},
                        {"rt", "fit", AskedFit::inside},         {"rt", "fill", AskedFit::cover},
                        {"rt", "fill-down", AskedFit::cover},    {"resizing_type", "force", AskedFit::fill}};
    for (const auto& row : rows)
        EXPECT_EQ(good("", {{row.name, row.word}}).fit, row.fit) << row.name << '=' << row.word;
    EXPECT_EQ(good("", {{"gravity", "auto"}}).gravity, Gravity::attention);
    EXPECT_EQ(good("", {{"gravity", "left"}}).gravity, Gravity::west);
    EXPECT_EQ(good("", {{"g", "sowe"}}).gravity, Gravity::south_west);
}

TEST(Parameters, of_a_format_are_a_word_or_a_choice) {
    EXPECT_EQ(good("", {{"format", "auto"}}).format_choice, FormatChoice::automatic);
    EXPECT_EQ(good("", {{"format", "origin"}}).format_choice, FormatChoice::origin);
    const auto named = good("", {{"format", "avif"}});
    EXPECT_EQ(named.format_choice, FormatChoice::named);
    EXPECT_EQ(named.format, Format::avif);
}

TEST(Parameters, of_density_may_have_a_fraction) {
    struct Row {
        const char* text;
        std::uint32_t thousandths;
    };
    const Row rows[] = {{"1", 1'000},     {"2", 2'000},     {"4", 4'000},
                        {"1.5", 1'500},   {"2.625", 2'625}, {"1.100000023841858", 1'100},
                        {"4.000", 4'000}, {"3.9999", 3'999}};
    for (const auto& row : rows)
        EXPECT_EQ(good("", {{"dpr", row.text}}).density, row.thousandths) << row.text;
}

TEST(Parameters, that_are_wrong_are_refused_by_name) {
    const std::vector<std::pair<const char*, std::vector<const char*>>> rows = {
        {"width",
         {"", "0", "-1", "+1", " 1", "1 ", "1e3", "1.5", "0x10", "NaN", "inf", "auto", "65536", "1000000000",
          "99999999999999999999999999", "400px", "４００"}},
        {"height", {"", "0", "-1", "nan"}},
        {"dpr",
         {"", "0", "0.9", "0.999", "4.001", "5", "-1", "1.", ".5", "1e1", "NaN", "2x", "1.5.5",
          "1.000000000000000000000", "18446744073709551617"}},
        {"quality", {"", "0", "-1", "101", "high", "82.5", "2147483648"}},
        {"fit", {"", "pad", "Cover", "outside"}},
        {"resize", {"", "inside", "fill:300:400"}},
        {"rt", {"auto", "cover"}},
        {"gravity", {"", "face", "0.5x0.5", "northnorth"}},
        {"format", {"", "WEBP", "heic", "tiff", "svg", "json"}},
    };
    for (const auto& [name, values] : rows) {
        for (const char* value : values) {
            const auto asked = read("", {{name, value}});
            ASSERT_FALSE(asked) << name << '=' << value;
            EXPECT_EQ(asked.error().code, ErrorCode::invalid_query);
            EXPECT_NE(asked.error().detail.find(name), std::string::npos) << asked.error().detail;
        }
    }
}

TEST(Parameters, that_are_wrong_are_repeated_in_part_and_as_text) {
    const std::string long_value(10'000, '9');
    const auto asked = read("", {{"width", long_value}});
    ASSERT_FALSE(asked);
    EXPECT_LT(asked.error().detail.size(), 150U);
    const auto broken = read("", {{"width", "\xff\xfe"}});
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().detail.find('\xff'), std::string::npos);
}

TEST(Parameters, that_stand_twice_are_refused) {
    const std::vector<std::pair<std::string_view, std::vector<NamedValue>>> rows = {
        {"", {{"width", "400"}, {"width", "400"}}},
        {"", {{"width", "400"}, {"w", "400"}}},
        {"", {{"fit", "cover"}, {"resize", "cover"}}},
        {"", {{"v", "1"}, {"v", "1"}}},
        {"w400", {{"width", "400"}}},
        {"w400.webp", {{"format", "webp"}}},
        {"w400@2x.webp", {{"dpr", "2"}}}};
    for (const auto& [name, query] : rows) {
        const auto asked = read(name, query);
        ASSERT_FALSE(asked) << name << ' ' << query.front().name;
        EXPECT_EQ(asked.error().code, ErrorCode::invalid_query);
    }
}

TEST(Parameters, that_are_not_ours_are_passed_over) {
    EXPECT_TRUE(good("", {{"utm_source", "x"}, {"utm_source", "y"}, {"response-content-type", "text/html"}})
                    .is_plain());
    EXPECT_FALSE(is_own_parameter("utm_source"));
    EXPECT_FALSE(is_own_parameter("Width"));
    EXPECT_FALSE(is_own_parameter(""));
    EXPECT_TRUE(is_own_parameter("w"));
    EXPECT_TRUE(is_own_parameter("v"));
}

TEST(Parameters, may_stand_in_the_name) {
    const auto all = good("w800h600@2x.webp", {});
    EXPECT_EQ(all.width, 800U);
    EXPECT_EQ(all.height, 600U);
    EXPECT_EQ(all.density, 2'000U);
    EXPECT_EQ(all.format, Format::webp);
    EXPECT_EQ(good("w800.jpg", {}).format, Format::jpeg);
    EXPECT_EQ(good("w800", {}).width, 800U);
    EXPECT_EQ(good("w800", {}).format_choice, FormatChoice::origin);
    EXPECT_EQ(good("h600@1.5x", {}).density, 1'500U);
    EXPECT_EQ(good("w800.auto", {}).format_choice, FormatChoice::automatic);
    const auto both = good("w800.webp", {{"height", "600"}, {"fit", "cover"}});
    EXPECT_EQ(both.width, 800U);
    EXPECT_EQ(both.fit, AskedFit::cover);
}

TEST(Parameters, of_a_name_for_people_are_none) {
    for (const char* name :
         {"holiday.jpg", "w.webp", "width800.webp", "w800-beach.jpg", "w800x.webp", "800.webp", "W800.webp",
          "w800.tar.gz", "w 800.webp", "w-1.webp", "w800@2.webp", "w800@x.webp", "été.jpg", "h", "w"})
        EXPECT_TRUE(good(name, {}).is_plain()) << name;
}

TEST(Parameters, of_a_name_are_held_to_the_same_rules) {
    for (const char* name : {"w0.webp", "w99999999999999999999.webp", "h65536", "w800.tiff", "w800.",
                             "w800@9x.webp", "w800@zx.webp"}) {
        const auto asked = read(name, {});
        ASSERT_FALSE(asked) << name;
        EXPECT_EQ(asked.error().code, ErrorCode::invalid_query);
    }
}

TEST(Parameters, are_all_in_the_documentation) {
    std::ifstream file{std::string{PHOTOGATE_SOURCE_DIR} + "/docs/delivery.md"};
    std::stringstream page;
    page << file.rdbuf();
    std::string table;
    for (const auto& row : parameter_words())
        table += "| `" + std::string{row.name} + "` | " +
                 std::string{row.whose.empty() ? "photogate" : row.whose} + " | " + row.values + " |\n";
    EXPECT_NE(page.str().find(table), std::string::npos) << "docs/delivery.md must have this table:\n"
                                                         << table;
}

}  // namespace
}  // namespace photogate::delivery
