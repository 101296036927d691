// What the records say of many uploads at once, for the requests that wait for them.
//
// Thread safety: any thread; blocking.
#pragma once

#include <vector>

#include "base/result.hpp"
#include "storage/records/upload_store.hpp"

namespace photogate::gateway::routes {

/// An upload in a final state.
struct EndedUpload {
    UploadId id;
    bool has_jobs = false;  ///< something is still to be done for it, such as removing its objects
};

class UploadWatch {
  public:
    virtual ~UploadWatch() = default;
    /// Those of `ids` whose state is final. Errors: the database_* codes.
    virtual Result<std::vector<EndedUpload>> ended(const std::vector<UploadId>& ids) = 0;
    /// Those of `ids` that exist, in any order. Errors: the database_* codes.
    virtual Result<std::vector<model::Upload>> read(const std::vector<UploadId>& ids) = 0;
};

class RecordsWatch final : public UploadWatch {
  public:
    explicit RecordsWatch(storage::records::UploadStore& uploads) : uploads_(uploads) {}
    Result<std::vector<EndedUpload>> ended(const std::vector<UploadId>& ids) override;
    Result<std::vector<model::Upload>> read(const std::vector<UploadId>& ids) override;

  private:
    storage::records::UploadStore& uploads_;
};

}  // namespace photogate::gateway::routes
