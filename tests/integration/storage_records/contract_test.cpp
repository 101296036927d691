// PostgreSQL keeps the guards that the fake keeps.
#include <stdexcept>

#include "records_database.hpp"
#include "tests/support/records_contract.hpp"

namespace photogate::storage::records::test {
namespace {

class PostgresWorld final : public photogate::test::RecordsWorld {
  public:
    PostgresWorld() {
        RecordsOptions options;
        options.database_url = database_.url();
        if (!migrate(options.database_url, RunMode::apply)) throw std::runtime_error{"migrate"};
        auto opened = Records::open(options, composer_, clock_, random_);
        if (!opened) throw std::runtime_error{opened.error().detail};
        records_ = std::move(*opened);
    }
    UploadStore& uploads() override { return records_->uploads; }
    Arrivals& arrivals() override { return records_->arrivals; }
    JobQueue& jobs() override { return records_->jobs; }
    Publications& publications() override { return records_->publications; }
    const Clock& clock() override { return clock_; }
    void expire_leases() override {
        database_.run(
            "update jobs set lease_until = now() - interval '1 second' where lease_token is not null");
    }
    void all_due() override { database_.run("update jobs set run_at = now() where lease_token is null"); }
    void mark_removed(const Bucket& bucket, const ObjectKey& key) override {
        if (!records_->upkeep.mark_deleting(bucket, {key}) ||
            !records_->upkeep.unmark_deleting(bucket, {key}, {}))
            throw std::runtime_error{"mark"};
    }

  private:
    Database database_;
    Composer composer_;
    SystemClock clock_;
    SystemRandom random_;
    std::unique_ptr<Records> records_;
};

}  // namespace
}  // namespace photogate::storage::records::test

namespace photogate::test {

INSTANTIATE_TEST_SUITE_P(InPostgres, RecordsContract, testing::Values(MakeWorld{[] {
                             return std::make_unique<storage::records::test::PostgresWorld>();
                         }}));

}  // namespace photogate::test
