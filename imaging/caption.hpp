// The text of a watermark, with placeholders: `© {app} {taken_at:%Y}`.
//
//   {app}, {profile}      the names of the app and the profile
//   {taken_at:FORMAT}     when the picture was taken; FORMAT is of %Y %m %d %H %M %S and other characters
//   {{ and }}             a brace
//
// A picture that does not say when it was taken has nothing in that place, and spaces around it become one. The values
// are text, never markup. Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace photogate::imaging {

inline constexpr std::size_t kLongestCaption = 200;  ///< bytes, before and after expansion

/// A clause that says what is wrong with it (`has the unknown placeholder {x}`), or nothing. Text of nothing but
/// {taken_at} is wrong: of many pictures nothing would be left.
std::optional<std::string> complaint_about_caption(std::string_view text);

struct CaptionNames {
    std::string_view app;
    std::string_view profile;
};
/// {app} and {profile} in a text that is sound; the rest stays as it is.
std::string with_names(std::string_view text, const CaptionNames& names);

/// Whether it has {taken_at:…}.
bool tells_when_taken(std::string_view text);

/// The `taken_at` of facts as they are stored (Processed::exif_json), where it is there.
std::optional<std::string> told_taken_at(std::string_view exif_json);

/// What is drawn. `taken_at` as the Exif facts have it, `2024-03-10T12:34:56+02:00`, or a beginning of it; what can't be
/// read counts as unknown.
std::string expand_caption(std::string_view text, const std::optional<std::string>& taken_at);

}  // namespace photogate::imaging
