#include "notifier/events/document_wire.hpp"

#include <utility>

#include "base/json/guard.hpp"
#include "notifier/events/dialect.hpp"

namespace photogate::notifier::events {

using nlohmann::json;

Result<Document> read_document(std::string_view text) {
    auto findings = photogate::json::look_over(
        text, {.bytes = kMostEventBytes, .depth = 16, .nodes = 100'000, .independent_elements = "Records"});
    if (findings.refusal) return fail(ErrorCode::bad_request, "the body is refused: " + *findings.refusal);
    Document document{json::parse(text, nullptr, false), std::move(findings.ambiguous_elements)};
    if (!document.body.is_object()) return fail(ErrorCode::bad_request, "the body is not a JSON object");
    return document;
}

const json* at(const json& message, std::string_view place) {
    if (place.empty()) return nullptr;
    const json* here = &message;
    while (true) {
        if (!here->is_object()) return nullptr;
        const auto dot = place.find('.');
        const auto found = here->find(std::string{place.substr(0, dot)});
        if (found == here->end()) return nullptr;
        here = &*found;
        if (dot == std::string_view::npos) return here;
        place.remove_prefix(dot + 1);
    }
}

const std::string* text_at(const json& message, std::string_view place, std::size_t longest) {
    const auto* value = at(message, place);
    const auto* found = value ? value->get_ptr<const std::string*>() : nullptr;
    if (!found || found->size() > longest || found->find('\0') != std::string::npos) return nullptr;
    return found;
}

}  // namespace photogate::notifier::events
