#include "pipeline/uploads/field_mistakes.hpp"

#include <algorithm>
#include <utility>

#include "base/field_errors.hpp"

namespace photogate::pipeline::uploads {

Error all_mistakes(std::vector<FieldError> reading, const Error* checking) {
    if (checking && checking->fields.empty()) return *checking;
    for (const auto& mistake : checking ? checking->fields : std::vector<FieldError>{}) {
        const bool reported = std::any_of(reading.begin(), reading.end(), [&](const FieldError& each) {
            return each.pointer == mistake.pointer;
        });
        if (!reported) reading.push_back(mistake);
    }
    return field_errors(std::move(reading));
}

}  // namespace photogate::pipeline::uploads
