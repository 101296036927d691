#include "storage/chunks/embedded_sql.hpp"

namespace photogate::storage::chunks {

const sql::NamedQueries& statements() {
    static const sql::NamedQueries all(queries_files());
    return all;
}

}  // namespace photogate::storage::chunks
