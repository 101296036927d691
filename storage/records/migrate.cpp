#include "storage/records/migrate.hpp"

#include "storage/database/schema.hpp"
#include "storage/records/database_state.hpp"
#include "storage/records/embedded_sql.hpp"

namespace photogate::storage::records {

Result<std::vector<Migration>> migrate(const std::string& database_url, RunMode mode,
                                       database::Pooler pooler) {
    return database::migrate(database_url, migrations_files(), mode, pooler);
}

Result<std::vector<Migration>> later_migrations(const std::string& database_url, database::Pooler pooler) {
    database::ConnectionOptions options;
    options.database_url = database_url;
    options.pooler = pooler;
    database::Pool pool{options, 1};
    return database::check_schema(pool, migrations_files());
}

Result<database::SchemaStanding> schema_standing(Database& database) {
    return database::schema_standing(database.state().pool, migrations_files());
}

}  // namespace photogate::storage::records
