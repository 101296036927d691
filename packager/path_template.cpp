#include "packager/path_template.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "base/encoding.hpp"
#include "packager/names.hpp"

namespace photogate::packager {

namespace {

constexpr std::string_view kConversions = "YymdHMSj%";
constexpr std::string_view kDay = "%Y-%m-%d";
constexpr std::string_view kFields =
    "filename, id, profile, number, album, metadata.NAME, taken_at, created_at";

tl::unexpected<Error> mistake(std::size_t at, std::string_view what) {
    return fail(ErrorCode::invalid_field, fmt::format("the template's byte {}: {}", at + 1, what));
}

bool is_format(std::string_view format) {
    for (std::size_t i = 0; i < format.size(); ++i) {
        if (format[i] != '%') continue;
        if (++i == format.size() || kConversions.find(format[i]) == std::string_view::npos) return false;
    }
    return !format.empty();
}

bool is_metadata_name(std::string_view name) {
    return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
        return ascii::is_alphanumeric(c) || c == '_' || c == '-' || c == '.';
    });
}

std::string formatted(std::string_view format, std::chrono::sys_seconds at) {
    using namespace std::chrono;
    const auto day = floor<days>(at);
    const year_month_day date{day};
    const hh_mm_ss time{at - day};
    const int year = static_cast<int>(date.year());
    std::string out;
    for (std::size_t i = 0; i < format.size(); ++i) {
        if (format[i] != '%' || i + 1 == format.size()) {
            out += format[i];
            continue;
        }
        switch (format[++i]) {
            case 'Y':
                out += fmt::format("{:04}", year);
                break;
            case 'y':
                out += fmt::format("{:02}", ((year % 100) + 100) % 100);
                break;
            case 'm':
                out += fmt::format("{:02}", static_cast<unsigned>(date.month()));
                break;
            case 'd':
                out += fmt::format("{:02}", static_cast<unsigned>(date.day()));
                break;
            case 'H':
                out += fmt::format("{:02}", time.hours().count());
                break;
            case 'M':
                out += fmt::format("{:02}", time.minutes().count());
                break;
            case 'S':
                out += fmt::format("{:02}", time.seconds().count());
                break;
            case 'j':
                out += fmt::format("{:03}", (day - sys_days{date.year() / 1 / 1}).count() + 1);
                break;
            default:
                out += format[i];
        }
    }
    return out;
}

}  // namespace

Result<PathTemplate> PathTemplate::parse(std::string_view text) {
    if (text.empty()) return fail(ErrorCode::invalid_field, "the template is empty");
    if (text.size() > kLongestTemplate)
        return fail(ErrorCode::invalid_field,
                    fmt::format("the template has more than {} bytes", kLongestTemplate));
    if (!is_utf8(text)) return fail(ErrorCode::invalid_field, "the template is not UTF-8");
    PathTemplate made;
    made.text_ = text;
    std::string literal;
    const auto end_literal = [&] {
        if (!literal.empty()) made.parts_.push_back({Field::literal, std::exchange(literal, {})});
    };
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at];
        const bool doubled = (c == '{' || c == '}') && at + 1 < text.size() && text[at + 1] == c;
        if (doubled || (c != '{' && c != '}')) {
            literal += c;
            at += doubled ? 2 : 1;
            continue;
        }
        if (c == '}') return mistake(at, "} ends no field; write }} for a brace");
        const auto end = text.find('}', at);
        if (end == std::string_view::npos) return mistake(at, "this field has no }");
        auto part = parse_field(text.substr(at + 1, end - at - 1), at + 1);
        if (!part) return fail(part.error());
        end_literal();
        made.parts_.push_back(std::move(*part));
        at = end + 1;
    }
    end_literal();
    const bool tells_apart = std::any_of(made.parts_.begin(), made.parts_.end(), [](const Part& part) {
        return part.field == Field::filename || part.field == Field::id || part.field == Field::number;
    });
    if (!tells_apart)
        return fail(ErrorCode::invalid_field,
                    "the template gives all items one name: use {filename}, {id} or {number}");
    return made;
}

Result<PathTemplate::Part> PathTemplate::parse_field(std::string_view inside, std::size_t at) {
    const auto colon = inside.find(':');
    const std::string_view name = inside.substr(0, colon);
    const std::string_view format =
        colon == std::string_view::npos ? std::string_view{} : inside.substr(colon + 1);
    const bool formatted = colon != std::string_view::npos;
    const auto plain = [&](Field field, std::string_view argument = {}) -> Result<Part> {
        if (formatted) return mistake(at + colon, fmt::format("{} takes no format", name));
        return Part{field, std::string{argument}};
    };
    const auto time = [&](Field field) -> Result<Part> {
        if (formatted && !is_format(format))
            return mistake(at + colon + 1, "a format is of %Y %y %m %d %H %M %S %j %% and text");
        return Part{field, std::string{formatted ? format : kDay}};
    };
    if (name == "filename") return plain(Field::filename);
    if (name == "id") return plain(Field::id);
    if (name == "profile") return plain(Field::profile);
    if (name == "album") return plain(Field::metadata, "album");
    if (name == "taken_at") return time(Field::taken_at);
    if (name == "created_at") return time(Field::created_at);
    if (name == "number") {
        const auto digits = ascii::parse_whole<std::size_t>(format);
        if (formatted && (!digits || *digits < 1 || *digits > 9))
            return mistake(at + colon + 1, "a number's format is its digits, 1 to 9");
        return Part{Field::number, {}, formatted ? *digits : 1};
    }
    if (constexpr std::string_view kPrefix = "metadata."; name.starts_with(kPrefix)) {
        const auto key = name.substr(kPrefix.size());
        if (!is_metadata_name(key))
            return mistake(at + kPrefix.size(), "a metadata name is of letters, digits, _, - and .");
        return plain(Field::metadata, key);
    }
    return mistake(at, fmt::format("there is no such field; fields are {}", kFields));
}

std::string PathTemplate::render(const PathValues& values) const {
    std::string out;
    for (const auto& part : parts_) {
        switch (part.field) {
            case Field::literal:
                out += part.argument;
                break;
            case Field::filename:
                out += as_component(values.filename);
                break;
            case Field::id:
                out += as_component(values.id);
                break;
            case Field::profile:
                out += as_component(values.profile);
                break;
            case Field::number:
                out += fmt::format("{:0{}}", values.number, part.digits);
                break;
            case Field::metadata:
                if (values.metadata != nullptr) {
                    if (const auto found = values.metadata->find(part.argument);
                        found != values.metadata->end())
                        out += as_component(found->second);
                }
                break;
            case Field::taken_at:
                if (values.taken_at) out += formatted(part.argument, *values.taken_at);
                break;
            case Field::created_at:
                out += formatted(part.argument, values.created_at);
                break;
        }
    }
    return out;
}

}  // namespace photogate::packager
