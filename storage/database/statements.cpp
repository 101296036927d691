#include "storage/database/embedded_sql.hpp"

namespace photogate::storage::database {

const sql::NamedQueries& statements() {
    static const sql::NamedQueries all(queries_files());
    return all;
}

}  // namespace photogate::storage::database
