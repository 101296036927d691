// Versions of published images: which there are, and who makes one that there is not.
//
// A version is an image's row of its own, found by its upload and its key (imaging::VersionSpec::key()). It is made
// by whoever claims it, under a lease; everybody else waits, or is told not to try again yet. What is deleted with its
// upload can't be finished any more.
//
// Errors besides those of database.hpp: gone (the upload is not published any more). Thread safety: every call from
// any number of threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/words.hpp"
#include "model/image.hpp"

namespace photogate::storage::records {

struct VersionName {
    UploadId upload;
    std::string spec_key;
    auto operator<=>(const VersionName&) const = default;
};

struct StoredVersion {
    model::PublishedImage image;
    Bucket bucket;
    Timestamp made_at;
};

struct ReadyVersion {
    std::string spec_key;
    StoredVersion version;
};

struct NewVersion {
    model::PublishedImage image;
    Bucket bucket;
    std::uint32_t crc32 = 0;  ///< of its bytes, as zip has it
};

/// It is the caller's to make until the lease runs out.
struct ClaimedVersion {
    std::string token;
    std::uint32_t failures = 0;  ///< attempts before this one
};
/// Somebody else makes it, for at most as long as that.
struct VersionElsewhere {
    std::chrono::milliseconds until{};
};
/// The last attempt failed, and it is too soon for another.
struct VersionFailing {
    std::string code;  ///< an ErrorCode's word, or a rejection's
    std::chrono::milliseconds until{};
};
/// The image has as many versions as it may have.
struct VersionsFull {};
using VersionClaim =
    std::variant<StoredVersion, ClaimedVersion, VersionElsewhere, VersionFailing, VersionsFull>;

struct VersionFailure {
    std::string code;
    std::chrono::milliseconds until{};  ///< nobody tries before
    enum class Cost { attempt, free } cost = Cost::attempt;
};

class VersionStore {
  public:
    virtual ~VersionStore() = default;

    virtual Result<std::optional<StoredVersion>> find(const VersionName& name) = 0;
    /// Those of the upload that are stored; 1,000 at the most.
    virtual Result<std::vector<ReadyVersion>> ready(const UploadId& upload) = 0;
    /// Where the image has `most_of_image` versions, stored or begun, no other is begun; roughly kept.
    virtual Result<VersionClaim> claim(const VersionName& name, std::chrono::milliseconds lease,
                                       std::optional<std::uint32_t> most_of_image) = 0;
    Result<VersionClaim> claim(const VersionName& name, std::chrono::milliseconds lease) {
        return claim(name, lease, std::nullopt);
    }
    /// What is stored: another's, where that was first. Errors besides: lease_lost; state_conflict: the object is
    /// being removed as an orphan, or was: put it again, some seconds later.
    virtual Result<StoredVersion> finish(const VersionName& name, const std::string& token,
                                         const NewVersion& version) = 0;
    /// Errors besides: lease_lost.
    virtual Result<> give_up(const VersionName& name, const std::string& token,
                             const VersionFailure& failure) = 0;
    /// They were asked for. Roughly kept: what is lost of this is no harm.
    virtual Result<> used(const std::vector<VersionName>& names) = 0;
    /// Of a deleted upload: the objects whose removal is not recorded yet.
    virtual Result<std::vector<ObjectKey>> being_removed(const UploadId& upload) = 0;

    /// Of versions that another gateway has finished or given up since the last call: their tag_of(), or kAnyVersion where
    /// that is not known. Blocks until there are some, or the time is over. A hint: what is lost of it is no harm.
    virtual std::vector<std::string> wait_for_news(std::chrono::milliseconds timeout) = 0;
};

/// A short name for it, the same in every gateway; two versions may share one.
std::string tag_of(const VersionName& name);
inline constexpr std::string_view kAnyVersion = "*";

}  // namespace photogate::storage::records
