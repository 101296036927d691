#include "gateway/config/given.hpp"

#include <array>
#include <limits>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.hpp"

namespace photogate::gateway::config {
namespace {

struct Unit {
    std::string_view name;
    std::uint64_t factor;
};

constexpr std::array kSizes = {Unit{"GiB", 1ULL << 30},
                               Unit{"MiB", 1ULL << 20},
                               Unit{"KiB", 1ULL << 10},
                               Unit{"GB", 1'000'000'000},
                               Unit{"MB", 1'000'000},
                               Unit{"KB", 1'000},
                               Unit{"B", 1}};
constexpr std::array kTimes = {Unit{"ms", 1}, Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000},
                               Unit{"s", 1'000}};

std::string_view form(const RawValue& given) {
    struct Name {
        std::string_view operator()(const Untyped&) const { return "a text"; }
        std::string_view operator()(const std::string&) const { return "a text"; }
        std::string_view operator()(std::int64_t) const { return "an integer"; }
        std::string_view operator()(bool) const { return "a boolean"; }
        std::string_view operator()(const std::vector<std::string>&) const { return "a list"; }
        std::string_view operator()(const Unfit& unfit) const { return unfit.what; }
    };
    return std::visit(Name{}, given);
}

tl::unexpected<std::string> wrong(const RawValue& given, std::string_view wanted) {
    const auto* untyped = std::get_if<Untyped>(&given);
    if (untyped != nullptr && untyped->texts.size() > 1)
        return tl::unexpected<std::string>("is given more than once");
    return tl::unexpected(fmt::format("must be {}, but is {}", wanted, form(given)));
}

/// The text of a flag or variable; nullptr for typed values and for a flag that was repeated.
const std::string* single(const RawValue& given) {
    const auto* untyped = std::get_if<Untyped>(&given);
    return untyped != nullptr && untyped->texts.size() == 1 ? &untyped->texts.front() : nullptr;
}

/// `12unit` times the unit's factor; nullopt where it is no such thing or too large.
template <std::size_t N>
std::optional<std::uint64_t> measured(std::string_view text, const std::array<Unit, N>& units,
                                      std::uint64_t bare) {
    std::uint64_t factor = bare;
    for (const auto& unit : units) {
        if (text.ends_with(unit.name)) {
            factor = unit.factor;
            text.remove_suffix(unit.name.size());
            break;
        }
    }
    while (text.ends_with(' '))
        text.remove_suffix(1);
    const auto value = ascii::parse_whole<std::uint64_t>(text);
    if (!value || *value > std::numeric_limits<std::int64_t>::max() / factor) return std::nullopt;
    return *value * factor;
}

template <class Show>
Reading<std::uint64_t> bounded(std::uint64_t value, Range range, const Show& show) {
    if (value >= range.least && value <= range.most) return value;
    return tl::unexpected(
        fmt::format("is {}, but must be {} to {}", show(value), show(range.least), show(range.most)));
}

std::vector<std::string> split(std::string_view text) {
    std::vector<std::string> out;
    while (true) {
        const auto comma = text.find(',');
        auto item = text.substr(0, comma);
        while (item.starts_with(' '))
            item.remove_prefix(1);
        while (item.ends_with(' '))
            item.remove_suffix(1);
        if (!item.empty()) out.emplace_back(item);
        if (comma == std::string_view::npos) return out;
        text.remove_prefix(comma + 1);
    }
}

}  // namespace

Reading<std::string> read_text(const RawValue& given) {
    if (const auto* text = std::get_if<std::string>(&given)) return *text;
    if (const auto* text = single(given)) return *text;
    return wrong(given, "a text");
}

Reading<std::uint64_t> read_integer(const RawValue& given, Range range) {
    const auto show = [](std::uint64_t value) { return std::to_string(value); };
    if (const auto* integer = std::get_if<std::int64_t>(&given)) {
        if (*integer < 0)
            return tl::unexpected(
                fmt::format("is {}, but must be {} to {}", *integer, range.least, range.most));
        return bounded(static_cast<std::uint64_t>(*integer), range, show);
    }
    if (const auto* text = single(given)) {
        if (const auto value = ascii::parse_whole<std::uint64_t>(*text)) return bounded(*value, range, show);
        return tl::unexpected(fmt::format("must be an integer from {} to {}", range.least, range.most));
    }
    return wrong(given, "an integer");
}

Reading<std::uint64_t> read_size(const RawValue& given, Range range) {
    std::optional<std::uint64_t> bytes;
    if (const auto* integer = std::get_if<std::int64_t>(&given)) {
        if (*integer >= 0) bytes = static_cast<std::uint64_t>(*integer);
    } else if (const auto* text = std::get_if<std::string>(&given)) {
        bytes = measured(*text, kSizes, 1);
    } else if (const auto* untyped = single(given)) {
        bytes = measured(*untyped, kSizes, 1);
    } else {
        return wrong(given, "a size such as \"25MiB\"");
    }
    if (!bytes)
        return tl::unexpected<std::string>(
            "must be a size: bytes, or a number with KiB, MiB, GiB, KB, MB or GB");
    return bounded(*bytes, range, size_text);
}

Reading<std::chrono::milliseconds> read_duration(const RawValue& given, TimeRange range) {
    std::optional<std::uint64_t> ms;
    if (const auto* integer = std::get_if<std::int64_t>(&given)) {
        if (*integer >= 0) ms = measured(std::to_string(*integer), kTimes, 1'000);
    } else if (const auto* text = std::get_if<std::string>(&given)) {
        ms = measured(*text, kTimes, 1'000);
    } else if (const auto* untyped = single(given)) {
        ms = measured(*untyped, kTimes, 1'000);
    } else {
        return wrong(given, "a duration such as \"15s\"");
    }
    if (!ms)
        return tl::unexpected<std::string>("must be a duration: seconds, or a number with ms, s, m, h or d");
    const Range bounds{static_cast<std::uint64_t>(range.least.count()),
                       static_cast<std::uint64_t>(range.most.count())};
    const auto show = [](std::uint64_t value) {
        return duration_text(std::chrono::milliseconds{static_cast<std::int64_t>(value)});
    };
    return bounded(*ms, bounds, show).map([](std::uint64_t value) {
        return std::chrono::milliseconds{static_cast<std::int64_t>(value)};
    });
}

Reading<bool> read_boolean(const RawValue& given) {
    if (const auto* flag = std::get_if<bool>(&given)) return *flag;
    if (const auto* text = single(given)) {
        if (*text == "true" || *text == "1" || *text == "yes" || *text == "on") return true;
        if (*text == "false" || *text == "0" || *text == "no" || *text == "off") return false;
        return tl::unexpected<std::string>("must be true or false");
    }
    return wrong(given, "true or false");
}

Reading<std::vector<std::string>> read_list(const RawValue& given) {
    if (const auto* list = std::get_if<std::vector<std::string>>(&given)) return *list;
    const auto* untyped = std::get_if<Untyped>(&given);
    if (untyped == nullptr) return wrong(given, "a list of texts");
    std::vector<std::string> all;
    for (const auto& text : untyped->texts) {
        for (auto& item : split(text))
            all.push_back(std::move(item));
    }
    return all;
}

std::string size_text(std::uint64_t bytes) {
    for (std::size_t i = 0; i < 3; ++i) {
        if (bytes != 0 && bytes % kSizes[i].factor == 0)
            return fmt::format("{}{}", bytes / kSizes[i].factor, kSizes[i].name);
    }
    return std::to_string(bytes);
}

std::string duration_text(std::chrono::milliseconds duration) {
    const auto ms = static_cast<std::uint64_t>(duration.count());
    if (ms == 0) return "0s";
    for (std::size_t i = 1; i < kTimes.size(); ++i) {
        if (ms % kTimes[i].factor == 0) return fmt::format("{}{}", ms / kTimes[i].factor, kTimes[i].name);
    }
    return fmt::format("{}ms", ms);
}

std::string first_text(const RawValue& given) {
    if (const auto text = read_text(given)) return *text;
    const auto list = read_list(given);
    return list && !list->empty() ? list->front() : std::string{};
}

std::string whole_text(const RawValue& given) {
    const auto list = read_list(given);
    if (!list) return first_text(given);
    std::string all;
    for (const auto& each : *list)
        all.append(each).append("\n");
    return all;
}

}  // namespace photogate::gateway::config
