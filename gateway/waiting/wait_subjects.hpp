// What a request may wait for: an upload, or a package. And what the records say of many of them at once.
//
// Thread safety: of a Watch, any thread; blocking.
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.hpp"
#include "storage/packages/package_store.hpp"
#include "storage/records/upload_store.hpp"

namespace photogate::gateway::waiting {

/// Of a row as it is: another one after every change of it.
using Mark = std::uint64_t;

struct UploadSubject {
    using Id = UploadId;
    using Value = model::Upload;
    using Ended = storage::records::EndedUpload;
    using Marked = storage::records::MarkedUpload;
    static bool is_final(const Value& upload) { return model::is_final(upload.state); }
    static Error absent() {
        return Error{ErrorCode::upload_not_found, "there is no such upload", {}, std::nullopt};
    }
};

struct PackageSubject {
    using Id = PackageId;
    using Value = model::Package;
    using Ended = storage::packages::EndedPackage;
    using Marked = storage::packages::MarkedPackage;
    static bool is_final(const Value& package) {
        using State = model::PackageState;
        return package.state != State::preparing && package.state != State::queued &&
               package.state != State::building;
    }
    static Error absent() {
        return Error{ErrorCode::package_not_found, "there is no such package", {}, std::nullopt};
    }
};

template <class Subject>
class Watch {
  public:
    virtual ~Watch() = default;
    /// Those of `ids` whose state is final. Errors: the database_* codes.
    virtual Result<std::vector<typename Subject::Ended>> ended(
        const std::vector<typename Subject::Id>& ids) = 0;
    /// Those of `ids` that exist, in any order. Errors: the database_* codes.
    virtual Result<std::vector<typename Subject::Value>> read(
        const std::vector<typename Subject::Id>& ids) = 0;
    /// The marks of those of `ids` that exist, in any order. Errors: the database_* codes.
    virtual Result<std::vector<typename Subject::Marked>> marks(
        const std::vector<typename Subject::Id>& ids) = 0;
};
using UploadWatch = Watch<UploadSubject>;
using PackageWatch = Watch<PackageSubject>;

/// One query for each call. What they are given outlives them.
class RecordsWatch final : public UploadWatch {
  public:
    explicit RecordsWatch(storage::records::UploadStore& uploads) : uploads_(uploads) {}
    Result<std::vector<storage::records::EndedUpload>> ended(const std::vector<UploadId>& ids) override {
        return uploads_.ended_among(ids);
    }
    Result<std::vector<model::Upload>> read(const std::vector<UploadId>& ids) override {
        return uploads_.find_all(ids);
    }
    Result<std::vector<storage::records::MarkedUpload>> marks(const std::vector<UploadId>& ids) override {
        return uploads_.marks_of(ids);
    }

  private:
    storage::records::UploadStore& uploads_;
};

class PackageRecordsWatch final : public PackageWatch {
  public:
    explicit PackageRecordsWatch(storage::packages::PackageStore& packages) : packages_(packages) {}
    Result<std::vector<storage::packages::EndedPackage>> ended(const std::vector<PackageId>& ids) override {
        return packages_.ended_among(ids);
    }
    Result<std::vector<model::Package>> read(const std::vector<PackageId>& ids) override {
        return packages_.find_all(ids);
    }
    Result<std::vector<storage::packages::MarkedPackage>> marks(const std::vector<PackageId>& ids) override {
        return packages_.marks_of(ids);
    }

  private:
    storage::packages::PackageStore& packages_;
};

}  // namespace photogate::gateway::waiting
