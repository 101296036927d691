// Versions that nobody asked for in a long time: found, and forgotten before their objects are removed.
//
// The row goes first, and with it, in one transaction, the object's name is marked as being removed: whoever makes the
// same version meanwhile is refused by records::VersionStore::finish() until the object is gone, and puts it anew then. Killed in
// between, the object is an orphan, which the orphan collector removes.
//
// Errors: those of storage/records/database.hpp. Thread safety: every call from any number of threads.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/words.hpp"
#include "model/image.hpp"
#include "storage/records/database.hpp"
#include "storage/records/version_store.hpp"

namespace photogate::storage::variants {

struct UnusedVersion {
    std::int64_t id = 0;
    records::VersionName name;
    std::string region;
    Bucket bucket;
    ObjectKey key;
    // Of its upload.
    AppName app;
    ProfileName profile;
    model::PublishedImage main;  ///< format, width, height and watermark alone
    std::string exif_json;
};

class VersionEviction {
  public:
    explicit VersionEviction(records::Database& database);

    /// The longest unused first.
    Result<std::vector<UnusedVersion>> unused(std::chrono::seconds unused_for, std::size_t most);
    /// As if they had just been asked for.
    Result<> keep(const std::vector<std::int64_t>& ids);
    /// Of these, those that are still unused: their rows are gone. Answers their objects, which the caller removes
    /// within kLongestRemoval or not at all.
    Result<std::vector<ObjectKey>> forget(const Bucket& bucket, const std::vector<std::int64_t>& ids,
                                          std::chrono::seconds unused_for);
    /// Their objects are gone: they may be made anew.
    Result<> removed(const Bucket& bucket, const std::vector<ObjectKey>& keys);

    /// After it another may take the mark for one that was left behind.
    static constexpr std::chrono::seconds kLongestRemoval{120};

  private:
    records::DatabaseState& state_;
};

}  // namespace photogate::storage::variants
