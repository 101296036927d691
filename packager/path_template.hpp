// Where an item of an archive goes, by a template: `{album}/{taken_at:%Y-%m-%d}/{filename}`.
//
//   {filename}         the item's name, without folders
//   {id} {profile}     the upload's
//   {number}           the item's place in the archive, from 1; {number:4} with zeros in front, at most 9 digits
//   {album}            short for {metadata.album}
//   {metadata.NAME}    the upload's metadata; NAME is of letters, digits, `_`, `-` and `.`
//   {taken_at:FORMAT}  when the photo was taken, by its own clock: %Y %y %m %d %H %M %S %j %%; without a format %Y-%m-%d
//   {created_at:FORMAT}  when the upload was created, in UTC
//   {{ }}              a brace
//
// A value that is missing is empty, and an empty folder is left out. A value makes no folders of its own: its slashes
// are replaced; those of the template and of a format make folders. What comes out is a wish: UniqueNames
// makes a safe name of it.
//
// Thread safety: values.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace photogate::packager {

struct PathValues {
    std::string_view filename;
    std::string_view id;
    std::string_view profile;
    std::uint64_t number = 1;
    std::optional<std::chrono::sys_seconds> taken_at;
    std::chrono::sys_seconds created_at{};
    const std::map<std::string, std::string>* metadata = nullptr;  ///< null: none
};

inline constexpr std::size_t kLongestTemplate = 512;

class PathTemplate {
  public:
    /// Errors: invalid_field, with the byte and what may stand there.
    static Result<PathTemplate> parse(std::string_view text);

    std::string render(const PathValues& values) const;
    /// As it was given.
    const std::string& text() const { return text_; }

  private:
    enum class Field { literal, filename, id, profile, number, metadata, taken_at, created_at };
    struct Part {
        Field field = Field::literal;
        std::string argument = {};  // the literal's text, the metadata's name, the time's format
        std::size_t digits = 0;
    };
    static Result<Part> parse_field(std::string_view inside, std::size_t at);

    std::string text_;
    std::vector<Part> parts_;
};

}  // namespace photogate::packager
