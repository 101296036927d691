#include <string>

#include "storage/records/embedded_sql.hpp"

namespace photogate::storage::records {
namespace {

const sql::NamedQueries& queries() {
    static const sql::NamedQueries all(queries_files());
    return all;
}

}  // namespace

const std::string& query(std::string_view name) {
    return queries().at(name);
}

std::vector<std::string> query_names() {
    std::vector<std::string> names;
    for (const auto& [name, text] : queries().all())
        names.push_back(name);
    return names;
}

}  // namespace photogate::storage::records
