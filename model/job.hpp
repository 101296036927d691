// A job: one piece of work that a worker claims, and what the worker answers.
//
// Thread safety: values.
#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "model/image.hpp"
#include "model/upload.hpp"

namespace photogate::model {

/// A kind by its word in the database. The set is open: each handler names its own kind, and the records
/// hand it out to workers that ask for it.
struct JobKind {
    std::string word;
    auto operator<=>(const JobKind&) const = default;

    static const JobKind process;           ///< uploaded → published or rejected
    static const JobKind find_object;       ///< an event of it could not be proved: look again
    static const JobKind dispose_original;  ///< after the final state: remove the original, or move it where
                                            ///< `job.detail` says
    static const JobKind remove_published;  ///< after a deletion
    static const JobKind make_variants;     ///< the profile's variants of a published image, those that lack
};
inline const JobKind JobKind::process{"process"};
inline const JobKind JobKind::find_object{"find_object"};
inline const JobKind JobKind::dispose_original{"settle_original"};
inline const JobKind JobKind::remove_published{"remove_published"};
inline const JobKind JobKind::make_variants{"make_variants"};
/// The kinds that the records insert themselves.
inline const std::array kUploadJobKinds = {JobKind::process, JobKind::find_object, JobKind::dispose_original,
                                           JobKind::remove_published, JobKind::make_variants};
inline std::string_view to_string(const JobKind& kind) {
    return kind.word;
}
std::string_view to_string(const JobKind&&) = delete;  // would be a view into a temporary

struct Lease {
    std::int64_t job = 0;
    std::string token;
    bool operator==(const Lease&) const = default;
};

/// A slot of settle_original begins so where an object came after its upload had ended.
inline constexpr std::string_view kLateSlot = "late ";

/// What a job is about. Ids carry their kind's prefix.
struct Subject {
    std::string kind = "upload";
    std::string id;
    bool operator==(const Subject&) const = default;
};

struct Job {
    Lease lease;
    Subject subject;
    AppName app;
    std::string party;  ///< the party within the app: a client token's id, or empty for the app itself
    JobKind kind = JobKind::process;
    std::string detail;   ///< settle_original: `remove`, `keep` or `quarantine`
    std::string slot;     ///< which of several jobs of this kind; empty for most
    std::string payload;  ///< read by the kind's handler alone
    std::uint32_t attempt = 1;
    bool ran_out_of_time = false;  ///< in an earlier attempt
    Timestamp ready_since;
    Upload upload;  ///< of a job about an upload
};

/// What becomes of the original once the upload's state is final.
enum class OriginalAction { remove, keep, quarantine };
std::string_view to_string(OriginalAction action);

/// A version that is recorded together with its image.
struct VersionAhead {
    std::string spec_key;  ///< imaging::VersionSpec::key()
    PublishedImage image;
    std::uint32_t crc32 = 0;  ///< of its bytes, as zip has it
};

/// What was made of a profile's variants ahead of the publication.
struct MadeAhead {
    std::vector<VersionAhead> versions;
    std::vector<Variant>
        variants;  ///< of each name that has a picture, also where that is the published image itself
    /// Whether a job has to make the rest.
    enum class Rest { none, later } rest = Rest::none;
};

struct Publication {
    OriginalFacts facts;
    PublishedImage image;
    Bucket bucket;                       ///< where the image is
    std::optional<std::uint32_t> crc32;  ///< CRC-32 of the published bytes, as zip has it
    OriginalAction original = OriginalAction::remove;
    std::optional<std::uint32_t> original_crc32;  ///< of an original that is kept
    MadeAhead ahead;
};

struct Refusal {
    RejectionFacts rejection;
    std::optional<OriginalFacts> facts;
    OriginalAction original = OriginalAction::quarantine;
};

/// A fact for an upload's timeline that a job found out.
struct TimelineNote {
    std::string event;
    TextMap detail;
};

/// Why a job is given back.
struct Postponement {
    enum class Cost {
        attempt,        ///< counts; the last one makes the upload failed
        decoder_crash,  ///< counts; the third makes the upload failed
        timeout,        ///< the file's own doing: tried again when no other upload is ready
        free,           ///< the store or the database is away: wait, burn nothing
    };
    Cost cost = Cost::attempt;
    std::string code;    ///< an ErrorCode's word
    std::string detail;  ///< for the timeline
    std::chrono::milliseconds delay{1'000};
    /// The gate that is away, which the job was not tried against: it waits for that, or for the delay. Empty: none.
    std::string held_by = {};
};

}  // namespace photogate::model
