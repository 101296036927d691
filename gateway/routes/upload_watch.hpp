// What the records say of many uploads at once, for the requests that wait for them.
//
// Thread safety: any thread; blocking.
#pragma once

#include <vector>

#include "base/result.hpp"
#include "storage/records/upload_store.hpp"

namespace photogate::gateway::routes {

class UploadWatch {
  public:
    virtual ~UploadWatch() = default;
    /// Those of `ids` whose state is final. Errors: the database_* codes.
    virtual Result<std::vector<storage::records::EndedUpload>> ended(const std::vector<UploadId>& ids) = 0;
    /// Those of `ids` that exist, in any order. Errors: the database_* codes.
    virtual Result<std::vector<model::Upload>> read(const std::vector<UploadId>& ids) = 0;
};

/// One query for each call.
class RecordsWatch final : public UploadWatch {
  public:
    /// `uploads` outlives this.
    explicit RecordsWatch(storage::records::UploadStore& uploads) : uploads_(uploads) {}
    Result<std::vector<storage::records::EndedUpload>> ended(const std::vector<UploadId>& ids) override {
        return uploads_.ended_among(ids);
    }
    Result<std::vector<model::Upload>> read(const std::vector<UploadId>& ids) override {
        return uploads_.find_all(ids);
    }

  private:
    storage::records::UploadStore& uploads_;
};

}  // namespace photogate::gateway::routes
