// The buckets of the built-in store, and what is configured for each.
//
// Thread safety: every call may be made from any number of threads. Calls block.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/builtin/object.hpp"

namespace photogate::storage::builtin {

struct StoreState;

enum class BucketMade { created, existed };

struct BucketInfo {
    Bucket name;
    Timestamp created{};
};

/// Errors of all that name a bucket: store_no_such_bucket, file_error.
class Buckets {
  public:
    explicit Buckets(StoreState& state) : state_(state) {}

    Result<BucketMade> create(const Bucket& bucket);
    /// Aborts its unfinished uploads. Errors: store_bucket_not_empty.
    Result<> remove(const Bucket& bucket);
    Result<std::vector<BucketInfo>> list();
    /// Succeeds if the bucket exists.
    Result<> check(const Bucket& bucket);

    Result<std::vector<NotificationRule>> notifications(const Bucket& bucket);
    /// Replaces them; none means that all creations are announced.
    Result<> set_notifications(const Bucket& bucket, const std::vector<NotificationRule>& rules);

    /// A document that the S3 interface keeps for a bucket, by its name there (`cors`, `tagging`); nullopt:
    /// there is none.
    Result<std::optional<std::string>> document(const Bucket& bucket, std::string_view name);
    Result<> set_document(const Bucket& bucket, std::string_view name,
                          const std::optional<std::string>& document);
    /// Those of this name, of all buckets.
    Result<std::map<Bucket, std::string>> documents(std::string_view name);

  private:
    StoreState& state_;
};

}  // namespace photogate::storage::builtin
