#include "storage/records/records.hpp"

#include <utility>

namespace photogate::storage::records {

Result<std::unique_ptr<Records>> Records::open(RecordsOptions options,
                                               const model::CallbackComposer& composer, const Clock& clock,
                                               Random& random) {
    auto opened = Database::open(std::move(options), composer, clock, random);
    if (!opened) return fail(std::move(opened.error()));
    return std::make_unique<Records>(std::move(*opened));
}

Records::Records(std::unique_ptr<Database> opened)
    : database(std::move(opened)),
      uploads(*database),
      arrivals(*database),
      jobs(*database),
      publications(*database),
      versions(*database),
      variants(*database),
      outbox(*database),
      upkeep(*database),
      gauges(*database) {}

Records::~Records() {
    database->stop_waiting();
}

}  // namespace photogate::storage::records
