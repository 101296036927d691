#include "gateway/system/provided.hpp"

#include <utility>

namespace photogate::gateway::system {

Result<Provided> provide(const config::Config& config, local::PrivatePostgres::Sharing sharing) {
    Provided provided{nullptr, config};
    if (config.postgres_folder.empty()) return provided;
    auto postgres = local::PrivatePostgres::start(config.postgres_folder, sharing);
    if (!postgres) return fail(std::move(postgres.error()));
    provided.postgres = std::move(*postgres);
    provided.config.database.database_url = provided.postgres->url();
    return provided;
}

}  // namespace photogate::gateway::system
