#include "gateway/config/report.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include <fmt/format.h>

namespace photogate::gateway::config {
namespace {

/// Inserted, removed, replaced, or two neighbours swapped (optimal string alignment).
std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> before(b.size() + 1);
    std::vector<std::size_t> last(b.size() + 1);
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(last.begin(), last.end(), 0U);
    for (std::size_t i = 1; i <= a.size(); ++i) {
        row[0] = i;
        for (std::size_t k = 1; k <= b.size(); ++k) {
            const std::size_t replaced = last[k - 1] + (a[i - 1] == b[k - 1] ? 0 : 1);
            row[k] = std::min({replaced, last[k] + 1, row[k - 1] + 1});
            const bool swapped = i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1];
            if (swapped) row[k] = std::min(row[k], before[k - 2] + 1);
        }
        std::swap(before, last);
        std::swap(last, row);
    }
    return last.back();
}

}  // namespace

std::string Origin::text() const {
    switch (kind) {
        case Kind::standard:
            return "default";
        case Kind::file:
            return line == 0 ? name : fmt::format("{}:{}", name, line);
        case Kind::environment:
            return "environment " + name;
        case Kind::flag:
            return "flag " + name;
    }
    return {};
}

std::string Mistake::text() const {
    if (origin.kind == Origin::Kind::standard) return message;
    return fmt::format("{}: {}", origin.text(), message);
}

Origin Report::origin(const std::string& key) const {
    for (std::string_view part = key; !part.empty();) {
        if (const auto found = origins_.find(std::string{part}); found != origins_.end())
            return found->second;
        const auto dot = part.rfind('.');
        part = dot == std::string_view::npos ? std::string_view{} : part.substr(0, dot);
    }
    return {};
}

void Report::mistake(const std::string& key, std::string_view clause) {
    mistakes_.push_back({origin(key), fmt::format("{} {}", key, clause), key});
}

void Report::warning(const std::string& key, std::string_view clause) {
    warnings_.push_back({origin(key), fmt::format("{} {}", key, clause)});
}

std::vector<Mistake> Report::mistakes() const {
    auto sorted = mistakes_;
    const auto rank = [](const Mistake& m) {
        return std::pair{m.origin.kind != Origin::Kind::file,
                         m.origin.kind == Origin::Kind::file ? m.origin.line : 0};
    };
    std::stable_sort(sorted.begin(), sorted.end(),
                     [&](const Mistake& a, const Mistake& b) { return rank(a) < rank(b); });
    return sorted;
}

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates,
                         std::size_t most) {
    std::string_view best;
    std::size_t least = most + 1;
    for (const auto candidate : candidates) {
        const auto d = distance(word, candidate);
        if (d < least && d < candidate.size()) {
            least = d;
            best = candidate;
        }
    }
    return best;
}

}  // namespace photogate::gateway::config
