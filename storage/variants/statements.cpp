#include "storage/variants/embedded_sql.hpp"

namespace photogate::storage::variants {

const sql::NamedQueries& statements() {
    static const sql::NamedQueries all(queries_files());
    return all;
}

}  // namespace photogate::storage::variants
