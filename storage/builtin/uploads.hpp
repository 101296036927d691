// The multipart uploads of the built-in store.
//
// Thread safety: every call may be made from any number of threads. Calls block.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/builtin/object.hpp"

namespace photogate::storage::builtin {

struct StoreState;

struct UploadOptions {
    ObjectHeaders headers;
    /// The checksum of each part, kept for the object.
    std::optional<ChecksumAlgorithm> checksum;
    /// full_object only for CRCs.
    ChecksumType checksum_type = ChecksumType::composite;
};

/// A multipart upload in progress.
struct OpenUpload {
    std::string id;
    ObjectKey key;
    Timestamp started{};
    std::optional<ChecksumAlgorithm> checksum;
    ChecksumType checksum_type = ChecksumType::composite;
    StorageClass storage_class = StorageClass::standard;
};

struct UploadListOptions {
    std::string prefix;
    std::string delimiter;
    std::string key_marker;  ///< strictly after this key, or in it after `id_marker`
    std::string id_marker;
    std::uint32_t max_uploads = 1000;  ///< together with the common prefixes
};

struct UploadPage {
    std::vector<OpenUpload> uploads;  ///< by key, then id
    std::vector<std::string> common_prefixes;
    bool truncated = false;
    std::string next_key;  ///< the markers of the next page
    std::string next_id;
};

struct StoredPart {
    std::uint32_t number = 0;
    ETag etag;
    ByteSize size = 0;
    Timestamp last_modified{};
    std::optional<Checksum> checksum;
};

struct PartListOptions {
    std::uint32_t after = 0;  ///< part-number-marker
    std::uint32_t max_parts = 1000;
};

struct PartPage {
    OpenUpload upload;
    std::vector<StoredPart> parts;
    bool truncated = false;
};

struct PartAddress {
    std::string upload;
    std::uint32_t number = 1;  ///< 1 to 10,000
};

/// A part as CompleteMultipartUpload names it.
struct ChosenPart {
    std::uint32_t number = 0;
    ETag etag;
    std::optional<Checksum> checksum;
};

struct CompleteOptions {
    WriteCondition condition;
    std::optional<Checksum> expected;       ///< of the whole object
    std::optional<ByteSize> expected_size;  ///< x-amz-mp-object-size
};

class Uploads {
  public:
    explicit Uploads(StoreState& state) : state_(state) {}

    /// Its id.
    Result<std::string> start(const Bucket& bucket, const ObjectKey& key, const UploadOptions& options);
    /// Finishing it replaces a part of the same number. `options.headers` is ignored; if the upload has a
    /// checksum, `options.keep` must be the same or unset. Errors: store_no_such_upload, invalid_field
    /// (number), invalid_checksum (another algorithm than the upload's).
    Result<FolderWriter> write_part(const ObjectName& object, const PartAddress& part, WriteOptions options);
    Result<UploadPage> list(const Bucket& bucket, const UploadListOptions& options);
    Result<PartPage> parts(const ObjectName& object, const std::string& upload,
                           const PartListOptions& options);
    /// The parts become the object without being copied. Errors: store_no_such_upload, store_invalid_part,
    /// store_invalid_part_order, store_part_too_small, store_checksum_mismatch, size_mismatch, and as
    /// FolderWriter::finish(); after any of them the upload still exists. For a day, the same call again has the
    /// same result and changes nothing.
    Result<StoredObject> complete(const ObjectName& object, const std::string& upload,
                                  const std::vector<ChosenPart>& parts, const CompleteOptions& options);
    /// Errors: store_no_such_upload.
    Result<> abort(const ObjectName& object, const std::string& upload);
    /// Aborts all that were started before `oldest`, a few in each commit; returns their number.
    Result<std::size_t> abort_started_before(Timestamp oldest);

  private:
    StoreState& state_;
};

}  // namespace photogate::storage::builtin
