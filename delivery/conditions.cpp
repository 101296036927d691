#include "delivery/conditions.hpp"

#include <variant>

#include "http/semantics/byte_range.hpp"

namespace photogate::delivery {

namespace semantics = http::semantics;

Verdict judge(const Conditions& conditions, const Validators& validators, std::uint64_t size) {
    const semantics::Validators current{semantics::unquoted(validators.etag), validators.last_modified};
    switch (semantics::evaluate(conditions, current)) {
        case semantics::Precondition::failed:
            return {412, std::nullopt};
        case semantics::Precondition::not_modified:
            return {304, std::nullopt};
        case semantics::Precondition::holds:
            break;
    }
    if (!conditions.range) return {};
    if (conditions.if_range && !semantics::range_applies(*conditions.if_range, current)) return {};
    const auto asked = semantics::read_byte_range(*conditions.range, size);
    if (std::holds_alternative<semantics::Unsatisfiable>(asked)) return {416, std::nullopt};
    if (const auto* range = std::get_if<semantics::ByteRange>(&asked))
        return {206, storage::objects::ByteRange{range->first, range->last}};
    return {};
}

}  // namespace photogate::delivery
