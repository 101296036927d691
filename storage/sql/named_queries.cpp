#include "storage/sql/named_queries.hpp"

#include <stdexcept>

namespace photogate::storage::sql {
namespace {

constexpr std::string_view kMarker = "-- name: ";

std::string_view without_end(std::string_view text) {
    while (!text.empty() && (text.back() == '\n' || text.back() == ';'))
        text.remove_suffix(1);
    return text;
}

}  // namespace

NamedQueries::NamedQueries(const std::vector<SqlFile>& files) {
    for (const auto& file : files) {
        for (auto at = file.text.find(kMarker); at != std::string_view::npos;) {
            const auto name_end = file.text.find('\n', at);
            const auto next = file.text.find(kMarker, name_end);
            const std::string name{file.text.substr(at + kMarker.size(), name_end - at - kMarker.size())};
            const auto text =
                file.text.substr(name_end, next == std::string_view::npos ? next : next - name_end);
            if (!queries_.emplace(name, without_end(text)).second)
                throw std::logic_error("two queries are called " + name);
            at = next;
        }
    }
}

const std::string& NamedQueries::at(std::string_view name) const {
    const auto found = queries_.find(name);
    if (found == queries_.end()) throw std::logic_error("no query is called " + std::string{name});
    return found->second;
}

}  // namespace photogate::storage::sql
