#include "storage/apps/embedded_sql.hpp"

namespace photogate::storage::apps {

const sql::NamedQueries& statements() {
    static const sql::NamedQueries all(queries_files());
    return all;
}

}  // namespace photogate::storage::apps
