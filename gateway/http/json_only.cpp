#include "gateway/http/json_only.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/ascii.hpp"

namespace photogate::gateway::http {
namespace {

std::string_view without_parameters(std::string_view media_type) {
    media_type = media_type.substr(0, media_type.find(';'));
    while (!media_type.empty() && media_type.back() == ' ')
        media_type.remove_suffix(1);
    return media_type;
}

/// Whether `Accept` leaves room for JSON; q=0 refusals are rare enough to be taken at their word only for the
/// exact type.
bool accepts_json(std::string_view accept) {
    while (!accept.empty()) {
        auto item = accept.substr(0, accept.find(','));
        accept.remove_prefix(std::min(accept.size(), item.size() + 1));
        while (item.starts_with(' '))
            item.remove_prefix(1);
        const auto type = without_parameters(item);
        if (type == "*/*" || type == "application/*" || ascii::equals_ignoring_case(type, "application/json"))
            return true;
    }
    return false;
}

Result<> speaks_json(const RequestHead& head) {
    const auto type = head.headers.find("content-type");
    if (!type || !ascii::equals_ignoring_case(without_parameters(*type), "application/json"))
        return fail(ErrorCode::unsupported_media_type, "send the body as 'Content-Type: application/json'");
    const auto accept = head.headers.find("accept");
    if (accept && !accepts_json(*accept))
        return fail(ErrorCode::not_acceptable, "the answer is application/json");
    return {};
}

}  // namespace

HeadCheck json_only(HeadCheck check) {
    return [check = std::move(check)](const RequestHead& head,
                                      const PathParameters& parameters) -> Result<PrincipalPtr> {
        auto principal = check(head, parameters);
        if (!principal) return principal;
        if (auto sane = speaks_json(head); !sane) return fail(std::move(sane.error()));
        return principal;
    };
}

}  // namespace photogate::gateway::http
