// The fake keeps the promises that the records keep.
#include "tests/support/fake_versions.hpp"

#include "tests/support/versions_contract.hpp"

namespace photogate::test {
namespace {

class FakeVersionsWorld final : public VersionsWorld {
  public:
    storage::records::VersionStore& versions() override { return versions_; }
    UploadId published() override {
        auto id = make_upload_id(clock_.now(), random_);
        versions_.publish(id);
        return id;
    }
    void erase(const UploadId& upload) override { versions_.erase(upload); }
    void expire_leases() override { versions_.expire_leases(); }
    void all_due() override { versions_.all_due(); }
    void mark_removed(const Bucket&, const ObjectKey& key) override { versions_.mark_deleting(key); }

  private:
    SystemClock clock_;
    SystemRandom random_;
    FakeVersions versions_{clock_};
};

INSTANTIATE_TEST_SUITE_P(InMemory, VersionsContract, testing::Values(MakeVersionsWorld{[] {
                             return std::make_unique<FakeVersionsWorld>();
                         }}));

}  // namespace
}  // namespace photogate::test
