// All services over one database, opened together, for the composition root and for tests.
//
// A module that uses a service includes that service's header and takes a reference to it.
//
// Thread safety: as the services. Member order is lifetime order.
#pragma once

#include <memory>

#include "storage/records/database.hpp"
#include "storage/records/gauges.hpp"
#include "storage/records/outbox.hpp"
#include "storage/records/postgres.hpp"
#include "storage/records/upkeep.hpp"

namespace photogate::storage::records {

struct Records {
    /// As Database::open().
    static Result<std::unique_ptr<Records>> open(RecordsOptions options,
                                                 const model::CallbackComposer& composer, const Clock& clock,
                                                 Random& random);
    explicit Records(std::unique_ptr<Database> opened);
    ~Records();

    const std::unique_ptr<Database> database;
    PostgresUploadStore uploads;
    PostgresArrivals arrivals;
    PostgresJobQueue jobs;
    PostgresPublications publications;
    PostgresVersionStore versions;
    PostgresVariantStore variants;
    Outbox outbox;
    Upkeep upkeep;
    Gauges gauges;
};

}  // namespace photogate::storage::records
