#include "base/field_errors.hpp"

#include <utility>

#include <fmt/format.h>

namespace photogate {

Error field_errors(std::vector<FieldError> mistakes) {
    Error error{ErrorCode::invalid_fields,
                fmt::format("{} fields are wrong; \"errors\" names each", mistakes.size()),
                {},
                std::nullopt};
    if (mistakes.size() == 1) {
        error.code = mistakes.front().code;
        error.detail = mistakes.front().detail;
    }
    error.fields = std::move(mistakes);
    return error;
}

std::string member_pointer(std::string_view parent, std::string_view name) {
    std::string pointer = std::string{parent} + '/';
    for (const char c : name) {
        if (c == '~') {
            pointer += "~0";
        } else if (c == '/') {
            pointer += "~1";
        } else {
            pointer += c;
        }
    }
    return pointer;
}

}  // namespace photogate
