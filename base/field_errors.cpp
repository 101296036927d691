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

}  // namespace photogate
