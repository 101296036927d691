#include "delivery/nearest_version.hpp"

#include <algorithm>
#include <array>

#include "base/ascii.hpp"

namespace photogate::delivery {
namespace {

// Parts of VersionSpec::key(), which has a full stop between them.
constexpr std::size_t kEdge = 2;
constexpr std::size_t kQuality = 6;

/// Of the part in that place.
struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
};

std::optional<Span> part(std::string_view key, std::size_t place) {
    Span span;
    for (std::size_t i = 0;; ++i) {
        span.end = std::min(key.find('.', span.begin), key.size());
        if (i == place) return span;
        if (span.end == key.size()) return std::nullopt;
        span.begin = span.end + 1;
    }
}

/// How often the one is in the other: 1 at the least.
double distance(std::uint32_t a, std::uint32_t b) {
    return static_cast<double>(std::max(a, b)) / static_cast<double>(std::max(1U, std::min(a, b)));
}

}  // namespace

std::optional<std::uint32_t> edge_of_sibling(const imaging::VersionSpec& wanted, std::string_view key) {
    const auto own = wanted.key();
    std::array<std::string_view, 2> keys{own, key};
    std::array<Span, 2> edges, qualities;
    for (std::size_t i = 0; i < 2; ++i) {
        const auto edge = part(keys[i], kEdge);
        const auto quality = part(keys[i], kQuality);
        if (!edge || !quality) return std::nullopt;
        edges[i] = *edge;
        qualities[i] = *quality;
    }
    const auto between = [&](std::size_t i) {
        return keys[i].substr(edges[i].end, qualities[i].begin - edges[i].end);
    };
    const bool alike = keys[0].substr(0, edges[0].begin) == keys[1].substr(0, edges[1].begin) &&
                       between(0) == between(1) &&
                       keys[0].substr(qualities[0].end) == keys[1].substr(qualities[1].end);
    if (!alike) return std::nullopt;
    return ascii::parse_whole<std::uint32_t>(key.substr(edges[1].begin, edges[1].end - edges[1].begin));
}

const storage::records::ReadyVersion* nearest_version(
    const imaging::VersionSpec& wanted, const std::vector<storage::records::ReadyVersion>& ready,
    std::optional<std::uint32_t> whole) {
    const storage::records::ReadyVersion* nearest = nullptr;
    std::uint32_t found = whole.value_or(0);
    for (const auto& each : ready) {
        const auto edge = edge_of_sibling(wanted, each.spec_key);
        if (!edge) continue;
        const auto by = distance(*edge, wanted.max_edge);
        const auto best = distance(found, wanted.max_edge);
        if (found != 0 && (by > best || (by == best && *edge <= found))) continue;
        nearest = &each;
        found = *edge;
    }
    return nearest;
}

}  // namespace photogate::delivery
