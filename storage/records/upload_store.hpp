// Uploads as apps and operators see them: created, found, listed, cancelled, deleted, tried again.
//
// create() takes a completion: what arrives while a transaction is under way shares the next, and each keeps
// its own outcome. Completions run on the committer's thread: they must be quick and must not call back into
// the same store.
//
// Errors: upload_not_found, state_conflict, and those of database.hpp. Thread safety: every call from any
// number of threads.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/words.hpp"
#include "model/upload.hpp"

namespace photogate::storage::records {

struct IdempotencyKey {
    std::string key;
    std::string request_sha256;  ///< lower-case hex, of what was asked
};

/// The limits of the client token that asks, as its signature proved them.
struct TokenLimits {
    std::uint64_t uploads = 0;
    std::optional<ByteSize> bytes;  ///< of the declared sizes together
    Timestamp expires_at;
};

struct NewUpload {
    model::Upload upload;  ///< state created; the fields "as found" and "as it ended" empty
    std::optional<IdempotencyKey> idempotency;
    std::optional<TokenLimits> token;  ///< where upload.client_token is there
    /// Lower-case hex. Where its app has published a picture made of these bytes in the same profile, that upload is
    /// answered and none is made.
    std::optional<std::string> unless_published;
};

struct Created {
    enum class How { created, replayed, deduplicated };
    How how = How::created;
    /// As stored; for a replay the first one's, for a duplicate the published one's, as it is now.
    model::Upload upload;
};

/// Uploads of one app that are made in one transaction, all or none. Their own idempotency keys are not looked at.
struct NewBatch {
    AppName app;
    std::vector<NewUpload> uploads;
    std::vector<std::size_t> places;            ///< of each among the items of the request, ascending
    std::optional<IdempotencyKey> idempotency;  ///< of the batch as a whole
};

/// Published uploads whose perceptual hash differs in a few bits alone, nearest first, those as near as each other newest
/// first.
struct SimilarTo {
    std::uint64_t hash = 0;
    int distance = 0;                ///< bits that may differ; 0 to kMostDistance
    std::optional<UploadId> except;  ///< whose hash it is
    int from =
        0;  ///< of the cursor: nearer than this is not asked for, and as near only if older than `before`
};

struct ListQuery {
    std::optional<AppName> app;  ///< nullopt: across apps, for the operator
    std::optional<model::UploadState> state;
    std::optional<ProfileName> profile;
    std::optional<Timestamp> created_after;
    model::TextMap metadata;           ///< each must be so
    std::optional<SimilarTo> similar;  ///< with `app`
    std::optional<UploadId> before;    ///< the cursor: only older than this
    std::size_t limit = 50;            ///< 1 to 200
};

struct TimelineEntry {
    Timestamp at;
    std::string event;        ///< `created`, `received`, `claimed`, `published`, `callback.delivered`, …
    std::string detail_json;  ///< a JSON object
};

/// An upload in a final state.
struct EndedUpload {
    UploadId id;
    bool has_jobs = false;  ///< something is still to be done for it, such as removing its objects
};

/// Of an upload's row as it is: another after every change of it.
struct MarkedUpload {
    UploadId id;
    std::uint64_t mark = 0;
};

/// A state that an upload came to.
struct UploadStep {
    std::int64_t place = 0;  ///< grows from step to step; 0 is its creation
    Timestamp at;
    model::UploadState state = model::UploadState::created;
};

/// What became of an upload behind a place.
struct UploadSteps {
    model::Upload upload;
    std::uint64_t mark = 0;         ///< of that row
    std::vector<UploadStep> steps;  ///< the next ones, in their order
    bool more = false;              ///< there are further ones
};

/// What cancel_or_delete() does with an upload that has a published image.
enum class Published { erase, keep };

class UploadStore {
  public:
    virtual ~UploadStore() = default;

    /// In groups. What a client token has left is counted in the same transaction. Errors:
    /// idempotency_key_reused, token_exhausted, overloaded.
    virtual void create(NewUpload upload, std::function<void(Result<Created>)> done) = 0;
    /// In a transaction of its own; waits for it. An outcome for each upload, in their order. What a client token permits
    /// is counted as a whole: those beyond it are token_exhausted. Of a batch that is replayed, one that the first call
    /// refused is idempotency_key_reused. Errors: idempotency_key_reused.
    virtual Result<std::vector<Result<Created>>> create_batch(const NewBatch& batch) = 0;
    /// Moves the grant's end to this or leaves it where it is later, for a fresh URL (state created or expired; expired goes back to created).
    virtual Result<model::Upload> extend_grant(const AppName& app, const UploadId& id,
                                               Timestamp expires_at) = 0;

    // The store's multipart upload of an upload that is sent in parts.
    /// nullopt: there is none.
    virtual Result<std::optional<std::string>> parts_of(const UploadId& id) = 0;
    /// The store is about to be asked for one: whatever comes of that is looked at.
    virtual Result<> expect_parts(const UploadId& id) = 0;
    /// Which one counts: another's that was recorded before, or this one. Errors: state_conflict where the upload has
    /// its object, or is over.
    virtual Result<std::string> record_parts(const UploadId& id, const std::string& store_id) = 0;
    /// The store has it no more.
    virtual Result<> forget_parts(const UploadId& id, const std::string& store_id) = 0;

    // `app` nullopt: the operator.
    virtual Result<model::Upload> find(const std::optional<AppName>& app, const UploadId& id) = 0;
    /// Rows that this program cannot read are logged and left out. Newest first, but for what `similar` says.
    virtual Result<std::vector<model::Upload>> list(const ListQuery& query) = 0;
    virtual Result<std::vector<TimelineEntry>> timeline(const std::optional<AppName>& app,
                                                        const UploadId& id) = 0;
    /// What came behind `place`; -1: all, from its creation on.
    virtual Result<UploadSteps> steps(const std::optional<AppName>& app, const UploadId& id,
                                      std::int64_t place) = 0;
    /// Cancels what has no object yet or is not yet processed; erases what is final. state_conflict while
    /// processing. Under Published::keep an upload with a published image is left as it is: forbidden. The
    /// condition holds in the transaction that ends the upload.
    virtual Result<model::Upload> cancel_or_delete(const std::optional<AppName>& app, const UploadId& id,
                                                   Published published) = 0;
    Result<model::Upload> cancel_or_delete(const std::optional<AppName>& app, const UploadId& id) {
        return cancel_or_delete(app, id, Published::erase);
    }
    /// Processes a rejected or failed upload again. state_conflict in every other state.
    virtual Result<model::Upload> retry(const std::optional<AppName>& app, const UploadId& id) = 0;
    /// Those of `ids` whose state is final; one query.
    virtual Result<std::vector<EndedUpload>> ended_among(const std::vector<UploadId>& ids) = 0;
    /// The marks of those of `ids` that exist, in any order; one query.
    virtual Result<std::vector<MarkedUpload>> marks_of(const std::vector<UploadId>& ids) = 0;
    /// Those of `ids` that exist, in any order; one query.
    virtual Result<std::vector<model::Upload>> find_all(const std::vector<UploadId>& ids) = 0;
    /// Whether anything is still to be done for it. After a deletion: whether its objects may still be there.
    virtual Result<bool> has_jobs(const UploadId& id) = 0;
    /// Of the original where it is kept, which is another than the one that was uploaded.
    virtual Result<> record_kept_etag(const UploadId& id, const ETag& etag) = 0;
};

}  // namespace photogate::storage::records
