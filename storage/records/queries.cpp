#include <string>

#include "storage/records/embedded_sql.hpp"

namespace photogate::storage::records {

const sql::NamedQueries& statements() {
    static const sql::NamedQueries all(queries_files());
    return all;
}

const std::string& query(std::string_view name) {
    return statements().at(name);
}

std::vector<std::string> query_names() {
    std::vector<std::string> names;
    for (const auto& [name, text] : statements().all())
        names.push_back(name);
    return names;
}

}  // namespace photogate::storage::records
