#include "storage/records/migrate.hpp"

#include "storage/records/embedded_sql.hpp"

namespace photogate::storage::records {

Result<std::vector<Migration>> migrate(const std::string& database_url, RunMode mode,
                                       database::Pooler pooler) {
    return database::migrate(database_url, migrations_files(), mode, pooler);
}

}  // namespace photogate::storage::records
