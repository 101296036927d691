#include <functional>
#include <map>
#include <stdexcept>
#include <string>

#include "storage/records/embedded_sql.hpp"

namespace photogate::storage::records {
namespace {

using Queries = std::map<std::string, std::string, std::less<>>;

constexpr std::string_view kMarker = "-- name: ";

void add_queries(const SqlFile& file, Queries& queries) {
    std::size_t at = file.text.find(kMarker);
    while (at != std::string_view::npos) {
        const auto name_end = file.text.find('\n', at);
        const auto name = file.text.substr(at + kMarker.size(), name_end - at - kMarker.size());
        const auto next = file.text.find(kMarker, name_end);
        auto text = file.text.substr(name_end, next == std::string_view::npos ? next : next - name_end);
        while (!text.empty() && (text.back() == '\n' || text.back() == ';'))
            text.remove_suffix(1);
        if (!queries.emplace(std::string{name}, std::string{text}).second) {
            throw std::logic_error("two queries are called " + std::string{name});
        }
        at = next;
    }
}

const Queries& queries() {
    static const Queries all = [] {
        Queries collected;
        for (const auto& file : query_files())
            add_queries(file, collected);
        return collected;
    }();
    return all;
}

}  // namespace

const std::string& query(std::string_view name) {
    const auto found = queries().find(name);
    if (found == queries().end()) throw std::logic_error("no query is called " + std::string{name});
    return found->second;
}

std::vector<std::string> query_names() {
    std::vector<std::string> names;
    for (const auto& [name, text] : queries())
        names.push_back(name);
    return names;
}

}  // namespace photogate::storage::records
