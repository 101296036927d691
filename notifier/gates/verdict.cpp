#include "notifier/gates/verdict.hpp"

#include <algorithm>

#include "base/ascii.hpp"
#include "base/json/value.hpp"
#include "base/text.hpp"

namespace photogate::notifier::gates {
namespace {

constexpr std::size_t kMostCode = 64;

bool is_code(std::string_view text) {
    return !text.empty() && text.size() <= kMostCode && text.front() >= 'a' && text.front() <= 'z' &&
           std::all_of(text.begin(), text.end(),
                       [](char c) { return (c >= 'a' && c <= 'z') || ascii::is_digit(c) || c == '_'; });
}

/// In UTF-8, which the reader of the JSON has checked: a character is kept whole or not at all.
std::string one_line(std::string text) {
    for (auto& c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7F) c = ' ';
    }
    if (text.size() > kMostReasonBytes) {
        auto end = kMostReasonBytes;
        while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U)
            --end;
        text.resize(end);
    }
    return std::string{trim(text)};
}

}  // namespace

Result<Verdict> read_verdict(std::string_view body) {
    const auto document =
        json::read(body, {.bytes = kMostVerdictBytes, .depth = json::kRequestBounds.depth, .nodes = 1'000});
    if (!document)
        return fail(ErrorCode::hook_unavailable, "its answer is no verdict: " + document.error().detail);
    const auto* allow = document->object() == nullptr ? nullptr : document->find("allow");
    if (allow == nullptr || allow->boolean() == nullptr)
        return fail(ErrorCode::hook_unavailable, "its answer is no verdict: 'allow' must be true or false");
    if (*allow->boolean()) return Verdict{Verdict::Answer::allowed, {}, {}};
    Verdict refused;
    const auto* code = document->find("code");
    if (code != nullptr && code->text() != nullptr && is_code(*code->text())) refused.code = *code->text();
    const auto* reason = document->find("reason");
    if (reason != nullptr && reason->text() != nullptr) refused.reason = one_line(*reason->text());
    return refused;
}

}  // namespace photogate::notifier::gates
