// Conditional requests (RFC 9110 13): whether one applies to a representation.
//
// If-Match is compared strongly, If-None-Match weakly (13.1.1, 13.1.2); each beats its date (13.2.2). A date that is
// none is ignored; dates are compared in whole seconds.
//
// Thread safety: pure.
#pragma once

#include <optional>
#include <string_view>

#include "base/time.hpp"

namespace photogate::http::semantics {

/// A tag between its quotes.
constexpr std::string_view unquoted(std::string_view tag) {
    if (tag.size() < 2 || !tag.starts_with('"') || !tag.ends_with('"')) return tag;
    return tag.substr(1, tag.size() - 2);
}

/// Of the representation as it is. Its tag is strong.
struct Validators {
    std::string_view etag;  ///< without its quotes
    Timestamp modified;
};

/// The request's fields as sent; absent where there was none.
struct Conditions {
    std::optional<std::string_view> if_match;
    std::optional<std::string_view> if_none_match;
    std::optional<std::string_view> if_modified_since;
    std::optional<std::string_view> if_unmodified_since;
};

/// `standard`: RFC 9110. `s3`: quotes may be missing, as some clients send tags, and If-Match compares weakly too.
enum class TagRules { standard, s3 };

/// 412, and 304 for reads.
enum class Precondition { holds, failed, not_modified };
Precondition evaluate(const Conditions& conditions, const Validators& validators,
                      TagRules rules = TagRules::standard);

/// Whether a Range beside this If-Range is to be obeyed (13.1.5): it names the representation by its strong tag or by
/// its exact date.
bool range_applies(std::string_view if_range, const Validators& validators,
                   TagRules rules = TagRules::standard);

enum class Comparison { strong, weak };
/// Whether `"a", W/"b"` has this tag, or is `*`. A comma inside quotes is part of the tag; whatever is malformed ends
/// the list.
bool lists_tag(std::string_view list, std::string_view etag, Comparison comparison,
               TagRules rules = TagRules::standard);

}  // namespace photogate::http::semantics
