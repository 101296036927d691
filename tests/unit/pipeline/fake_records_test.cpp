// The fake keeps the guards that the records keep.
#include "tests/support/fake_records.hpp"

#include "tests/support/records_contract.hpp"

namespace photogate::test {
namespace {

class FakeWorld final : public RecordsWorld {
  public:
    storage::records::UploadStore& uploads() override { return records_; }
    storage::records::Arrivals& arrivals() override { return records_; }
    storage::records::JobQueue& jobs() override { return records_; }
    storage::records::Publications& publications() override { return records_; }
    const Clock& clock() override { return clock_; }
    void expire_leases() override { records_.expire_leases(); }
    void all_due() override { records_.all_due(); }
    void mark_removed(const Bucket&, const ObjectKey& key) override { records_.mark_deleting(key); }

  private:
    SystemClock clock_;
    FakeRecords records_{clock_};
};

INSTANTIATE_TEST_SUITE_P(InMemory, RecordsContract,
                         testing::Values(MakeWorld{[] { return std::make_unique<FakeWorld>(); }}));

}  // namespace
}  // namespace photogate::test
