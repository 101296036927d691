// The guards that the records keep in PostgreSQL and the fake keeps in memory, held to the same tests.
//
// A test program instantiates RecordsContract with a maker of its own world; records_contract.cpp has the tests.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "storage/records/arrivals.hpp"
#include "storage/records/job_queue.hpp"
#include "storage/records/publications.hpp"
#include "storage/records/upload_store.hpp"

namespace photogate::test {

/// The services under test, and what only their owner can do.
class RecordsWorld {
  public:
    virtual ~RecordsWorld() = default;
    virtual storage::records::UploadStore& uploads() = 0;
    virtual storage::records::Arrivals& arrivals() = 0;
    virtual storage::records::JobQueue& jobs() = 0;
    virtual storage::records::Publications& publications() = 0;
    virtual const Clock& clock() = 0;
    /// Every lease has run out.
    virtual void expire_leases() = 0;
    /// Every job is due.
    virtual void all_due() = 0;
    /// The orphan collector has removed the object of this key.
    virtual void mark_removed(const Bucket& bucket, const ObjectKey& key) = 0;
};

using MakeWorld = std::function<std::unique_ptr<RecordsWorld>()>;

class RecordsContract : public testing::TestWithParam<MakeWorld> {
  protected:
    model::Upload created();
    storage::records::ObserveOutcome observe(const model::Upload& upload, const std::string& etag = "e1",
                                             std::optional<std::string> event = {});
    model::Upload received();
    std::vector<model::Job> claim(std::vector<model::JobKind> kinds = {model::JobKind::process});
    model::Job claim_one();
    model::Publication publication(const model::Upload& upload) const;
    model::UploadState state_of(const UploadId& id);

    std::unique_ptr<RecordsWorld> world = GetParam()();
    SystemRandom random;
    const Bucket incoming = Bucket::trusted("incoming"), published = Bucket::trusted("public");
};

}  // namespace photogate::test
