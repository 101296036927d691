// Conditional and range requests for one immutable representation (RFC 9110 sections 13 and 14): the answer's status.
//
// One byte range is answered with 206; several, or anything that is not a byte range, with the whole (14.2 permits
// that). A range that lies wholly behind the end is 416. The rules are http/semantics'.
//
// Thread safety: pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "http/semantics/conditions.hpp"
#include "storage/objects/object_store.hpp"

namespace photogate::delivery {

struct Validators {
    std::string etag;  ///< with its quotes, strong
    Timestamp last_modified;
};

/// The request's header fields, as sent; absent where there was none.
struct Conditions : http::semantics::Conditions {
    std::optional<std::string_view> if_range;
    std::optional<std::string_view> range;
};

struct Verdict {
    int status = 200;                                  ///< 200, 206, 304, 412 or 416
    std::optional<storage::objects::ByteRange> range;  ///< of a 206
};

Verdict judge(const Conditions& conditions, const Validators& validators, std::uint64_t size);

}  // namespace photogate::delivery
