// What the records promise about versions, kept by PostgreSQL and by the fake alike.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "model/upload.hpp"
#include "storage/records/version_store.hpp"

namespace photogate::test {

/// The store under test, and what only its owner can do.
class VersionsWorld {
  public:
    virtual ~VersionsWorld() = default;
    virtual storage::records::VersionStore& versions() = 0;
    /// An upload that is published.
    virtual UploadId published() = 0;
    virtual void erase(const UploadId& upload) = 0;
    virtual void expire_leases() = 0;
    /// What failed may be tried again.
    virtual void all_due() = 0;
    /// The orphan collector has removed the object of this key.
    virtual void mark_removed(const Bucket& bucket, const ObjectKey& key) = 0;
};

using MakeVersionsWorld = std::function<std::unique_ptr<VersionsWorld>()>;

class VersionsContract : public testing::TestWithParam<MakeVersionsWorld> {
  protected:
    storage::records::VersionName name(const std::string& key = "2.reencode.480.inside.-.webp.82.-");
    storage::records::VersionClaim claim(const storage::records::VersionName& name);
    std::string claimed(const storage::records::VersionName& name);
    static storage::records::NewVersion version(const std::string& hash = std::string(64, 'c'));

    std::unique_ptr<VersionsWorld> world = GetParam()();
    const UploadId upload = world->published();
};

}  // namespace photogate::test
