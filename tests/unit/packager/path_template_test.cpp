#include "packager/path_template.hpp"

#include <map>
#include <string>

#include <gtest/gtest.h>

namespace photogate::packager {
namespace {

using namespace std::chrono_literals;

const std::map<std::string, std::string> kMetadata = {
    {"album", "Smith/Jones"}, {"order.id", "77"}, {"dots", ".."}};

PathValues values() {
    return {.filename = "IMG 1.jpg",
            .id = "upl_1",
            .profile = "web",
            .number = 7,
            .taken_at = std::chrono::sys_days{std::chrono::year{2026} / 3 / 9} + 4h + 5min + 6s,
            .created_at = std::chrono::sys_days{std::chrono::year{2027} / 12 / 31} + 23h,
            .metadata = &kMetadata};
}

std::string rendered(std::string_view text, const PathValues& with = values()) {
    const auto made = PathTemplate::parse(text);
    return made ? made->render(with) : "error: " + made.error().detail;
}

TEST(PathTemplate, puts_values_where_fields_are) {
    EXPECT_EQ(rendered("{album}/{taken_at:%Y-%m-%d}/{filename}"), "Smith_Jones/2026-03-09/IMG 1.jpg");
    EXPECT_EQ(rendered("{number:4}-{id}-{profile}"), "0007-upl_1-web");
    EXPECT_EQ(rendered("{number}{metadata.order.id}"), "777");
    EXPECT_EQ(rendered("{taken_at}/{filename}"), "2026-03-09/IMG 1.jpg");
    EXPECT_EQ(rendered("{created_at:%y/%j/%H%M%S%%}/{id}"), "27/365/230000%/upl_1");
    EXPECT_EQ(rendered("{{{id}}}"), "{upl_1}");
    EXPECT_EQ(rendered("Fotos é/{filename}"), "Fotos é/IMG 1.jpg");
}

TEST(PathTemplate, value_that_is_missing_is_empty) {
    auto with = values();
    with.taken_at.reset();
    with.metadata = nullptr;
    EXPECT_EQ(rendered("{album}/{taken_at}/{metadata.x}{filename}", with), "//IMG 1.jpg");
}

TEST(PathTemplate, values_make_no_folders) {
    auto with = values();
    with.filename = "../a\\b/c";
    EXPECT_EQ(rendered("{filename}", with), ".._a_b_c");
    EXPECT_EQ(rendered("{metadata.dots}/{id}"), "../upl_1") << "safe_name() leaves that out";
}

TEST(PathTemplate, mistakes_are_named_with_their_place) {
    EXPECT_EQ(rendered(""), "error: the template is empty");
    EXPECT_EQ(rendered("{id"), "error: the template's byte 1: this field has no }");
    EXPECT_EQ(rendered("{id} } "), "error: the template's byte 6: } ends no field; write }} for a brace");
    EXPECT_EQ(rendered("x{nam}"),
              "error: the template's byte 3: there is no such field; fields are filename, id, profile, "
              "number, album, "
              "metadata.NAME, taken_at, created_at");
    EXPECT_EQ(rendered("{id:5}"), "error: the template's byte 4: id takes no format");
    EXPECT_EQ(rendered("{number:0}"),
              "error: the template's byte 9: a number's format is its digits, 1 to 9");
    EXPECT_EQ(rendered("{number:}"), "error: the template's byte 9: a number's format is its digits, 1 to 9");
    EXPECT_EQ(rendered("{id}{taken_at:}"),
              "error: the template's byte 15: a format is of %Y %y %m %d %H %M %S %j %% and text");
    EXPECT_EQ(rendered("{id}{taken_at:%Q}"),
              "error: the template's byte 15: a format is of %Y %y %m %d %H %M %S %j %% and text");
    EXPECT_EQ(rendered("{id}{taken_at:%}"),
              "error: the template's byte 15: a format is of %Y %y %m %d %H %M %S %j %% and text");
    EXPECT_EQ(rendered("{metadata.}"),
              "error: the template's byte 11: a metadata name is of letters, digits, _, - and .");
    EXPECT_EQ(rendered("{album}/{profile}"),
              "error: the template gives all items one name: use {filename}, {id} or {number}");
    EXPECT_EQ(rendered("{id}\xFF"), "error: the template is not UTF-8");
    EXPECT_EQ(rendered(std::string(513, 'x')), "error: the template has more than 512 bytes");
}

}  // namespace
}  // namespace photogate::packager
