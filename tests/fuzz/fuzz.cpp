#include "fuzz.hpp"

#include <algorithm>

namespace photogate::fuzz {
namespace {

/// A function's own, because targets register themselves before main(), in any order.
std::vector<Target>& registered() {
    static std::vector<Target> targets;
    return targets;
}

}  // namespace

Target::Target(std::string_view name_of_folder, Run function) : name(name_of_folder), run(function) {
    registered().push_back(*this);
}

const std::vector<Target>& all() {
    return registered();
}

std::uint8_t Input::byte() {
    if (left_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(left_.front());
    left_.remove_prefix(1);
    return value;
}

std::string_view Input::line() {
    const auto end = left_.find('\n');
    const auto text = left_.substr(0, end);
    left_.remove_prefix(end == std::string_view::npos ? left_.size() : end + 1);
    return text;
}

Pair split(std::string_view text, char separator) {
    const auto at = std::min(text.find(separator), text.size());
    return {text.substr(0, at), at < text.size() ? text.substr(at + 1) : std::string_view{}};
}

}  // namespace photogate::fuzz
