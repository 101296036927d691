#include "storage/packages/embedded_sql.hpp"

namespace photogate::storage::packages {

const sql::NamedQueries& statements() {
    static const sql::NamedQueries all(queries_files());
    return all;
}

}  // namespace photogate::storage::packages
