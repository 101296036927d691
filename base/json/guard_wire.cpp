#include "base/json/guard_wire.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace photogate::json {
namespace {

std::string sentence(const Refusal& refusal, const Bounds& bounds) {
    switch (refusal.fault) {
        case Fault::too_large:
            return fmt::format("it is larger than {} bytes", bounds.bytes);
        case Fault::empty:
            return "it is empty";
        case Fault::not_json:
            return fmt::format("it is not JSON from byte {} on", refusal.at);
        case Fault::too_deep:
            return fmt::format("it is deeper than {} levels", bounds.depth);
        case Fault::too_many_values:
            return "it has too many members";
        case Fault::duplicate_name:
            return "a member appears twice";
    }
    return "it is not JSON";
}

}  // namespace

bool Guard::Names::add(const std::string& name) {
    constexpr std::size_t kFew = 8;
    if (many_.empty() && few_.size() < kFew) {
        if (std::find(few_.begin(), few_.end(), name) != few_.end()) return false;
        few_.push_back(name);
        return true;
    }
    if (many_.empty()) many_.insert(few_.begin(), few_.end());
    return many_.insert(name).second;
}

bool Guard::key(const std::string& name) {
    if (frames_.size() == 1)
        independent_ = !bounds_.independent_elements.empty() && name == bounds_.independent_elements;
    if (frames_.back().names.add(name)) return true;
    if (independent_ && frames_.size() >= 3 && frames_[1].kind == Kind::array) {
        ambiguous_.insert(frames_[1].elements - 1);
        return true;
    }
    return refuse({Fault::duplicate_name});
}

bool Guard::refuse(Refusal refusal) {
    if (!refusal_) refusal_ = refusal;
    return false;
}

bool Guard::count() {
    if (!frames_.empty()) ++frames_.back().elements;
    return ++nodes_ <= bounds_.nodes || refuse({Fault::too_many_values});
}

bool Guard::open(Kind kind) {
    if (!count()) return false;
    if (frames_.size() >= bounds_.depth) return refuse({Fault::too_deep});
    frames_.push_back({kind});
    return true;
}

bool Guard::close() {
    frames_.pop_back();
    return true;
}

Findings look_over(std::string_view text, const Bounds& bounds) {
    Guard guard{bounds};
    Findings findings;
    if (const auto refusal = parse(text, bounds, guard)) findings.refusal = sentence(*refusal, bounds);
    findings.ambiguous_elements = guard.take_ambiguous();
    return findings;
}

bool is_plain_object(std::string_view text, const Bounds& bounds) {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos || text[first] != '{') return false;
    const auto findings = look_over(text, bounds);
    return !findings.refusal && findings.ambiguous_elements.empty();
}

}  // namespace photogate::json
