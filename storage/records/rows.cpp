#include "storage/records/rows.hpp"

#include "base/log.hpp"
#include "storage/records/records_wire.hpp"

namespace photogate::storage::records {
namespace {

void read_findings(const Columns& columns, const pqxx::row& row, model::Upload& upload) {
    if (!columns.is_null(row, "pinned_etag")) {
        model::PinnedObject pinned;
        pinned.etag = ETag::trusted(columns.text(row, "pinned_etag"));
        if (const auto size = columns.maybe_number(row, "pinned_size"))
            pinned.size = static_cast<ByteSize>(*size);
        if (auto version = columns.maybe_text(row, "pinned_version"))
            pinned.version = VersionId::trusted(std::move(*version));
        upload.pinned = std::move(pinned);
    }
    if (!columns.is_null(row, "found_type")) {
        model::OriginalFacts facts;
        facts.content_type = columns.text(row, "found_type");
        facts.size = static_cast<ByteSize>(columns.number(row, "found_size"));
        facts.sha256 = columns.text(row, "found_sha256");
        facts.width = static_cast<std::uint32_t>(columns.number(row, "found_width"));
        facts.height = static_cast<std::uint32_t>(columns.number(row, "found_height"));
        facts.exif_json = columns.text(row, "exif");
        facts.privacy_json = columns.text(row, "privacy");
        facts.placeholder = columns.text(row, "placeholder");
        facts.perceptual_hash = columns.text(row, "perceptual_hash");
        facts.dominant_color = columns.text(row, "dominant_color");
        upload.facts = std::move(facts);
    }
}

void read_ending(const Columns& columns, const pqxx::row& row, model::Upload& upload) {
    if (!columns.is_null(row, "image_key")) {
        model::PublishedImage image;
        image.key = ObjectKey::trusted(columns.text(row, "image_key"));
        image.etag = ETag::trusted(columns.text(row, "image_etag"));
        image.sha256 = columns.text(row, "image_sha256");
        image.format = columns.text(row, "image_format");
        image.width = static_cast<std::uint32_t>(columns.number(row, "image_width"));
        image.height = static_cast<std::uint32_t>(columns.number(row, "image_height"));
        image.size = static_cast<ByteSize>(columns.number(row, "image_size"));
        image.has_alpha = columns.maybe_flag(row, "image_alpha");
        image.watermark = columns.text(row, "image_watermark");
        upload.image = std::move(image);
    }
    if (!columns.is_null(row, "rejection_code")) {
        upload.rejection =
            model::RejectionFacts{columns.text(row, "rejection_code"), columns.text(row, "rejection_detail")};
    }
    upload.finished_at = columns.maybe_time(row, "finished_at");
}

}  // namespace

model::Upload to_upload(const Columns& columns, const pqxx::row& row) {
    model::Upload upload;
    upload.id = UploadId::trusted(columns.text(row, "id"));
    upload.public_id = PublicId::trusted(columns.text(row, "public_id"));
    upload.app = AppName::trusted(columns.text(row, "app"));
    upload.profile = ProfileName::trusted(columns.text(row, "profile"));
    upload.state = read_word<model::UploadState>(columns.text(row, "state"));
    upload.method = read_word<model::GrantMethod>(columns.text(row, "method"));
    upload.region = columns.text(row, "region");
    upload.bucket = Bucket::trusted(columns.text(row, "bucket"));
    upload.key = ObjectKey::trusted(columns.text(row, "key"));
    upload.filename = columns.maybe_text(row, "filename");
    upload.declared_type = columns.maybe_text(row, "declared_type");
    if (const auto size = columns.maybe_number(row, "declared_size"))
        upload.declared_size = static_cast<ByteSize>(*size);
    upload.declared_sha256 = columns.maybe_text(row, "declared_sha256");
    if (const auto size = columns.maybe_number(row, "part_size"))
        upload.part_size = static_cast<ByteSize>(*size);
    upload.metadata = parse_text_map(columns.text(row, "metadata"));
    upload.client_fields = database::parse_text_array(columns.text(row, "client_fields"));
    upload.callback_url = columns.maybe_text(row, "callback_url");
    upload.request_id = columns.text(row, "request_id");
    upload.client_token = columns.maybe_text(row, "client_token");
    upload.traceparent = columns.maybe_text(row, "traceparent");
    upload.tracestate = columns.maybe_text(row, "tracestate");
    upload.created_at = columns.time(row, "created_at");
    upload.expires_at = columns.time(row, "expires_at");
    upload.received_at = columns.maybe_time(row, "received_at");
    upload.client_metadata = parse_text_map(columns.text(row, "client_metadata"));
    upload.generation = static_cast<std::uint32_t>(columns.number(row, "generation"));
    upload.sequence = columns.number(row, "sequence");
    upload.updated_at = columns.time(row, "updated_at");
    read_findings(columns, row, upload);
    read_ending(columns, row, upload);
    return upload;
}

std::vector<model::Upload> to_uploads(const pqxx::result& result) {
    const Columns columns{result};
    std::vector<model::Upload> uploads;
    uploads.reserve(static_cast<std::size_t>(result.size()));
    for (const auto& row : result)
        uploads.push_back(to_upload(columns, row));
    return uploads;
}

std::vector<model::Upload> to_readable_uploads(const pqxx::result& result) {
    const Columns columns{result};
    std::vector<model::Upload> uploads;
    uploads.reserve(static_cast<std::size_t>(result.size()));
    for (const auto& row : result) {
        try {
            uploads.push_back(to_upload(columns, row));
        } catch (const UnknownWord& problem) {
            log_unreadable("uploads", columns.text(row, "id"), problem);
        }
    }
    return uploads;
}

void log_unreadable(std::string_view table, const std::string& id, const UnknownWord& problem) {
    log::error("database.unreadable_row", {{"table", table}, {"id", id}, {"detail", problem.what()}});
}

model::PublishedImage to_published_image(const Columns& columns, const pqxx::row& row) {
    model::PublishedImage image;
    image.key = ObjectKey::trusted(columns.text(row, "key"));
    image.etag = ETag::trusted(columns.text(row, "etag"));
    image.sha256 = columns.text(row, "sha256");
    image.format = columns.text(row, "format");
    image.width = static_cast<std::uint32_t>(columns.number(row, "width"));
    image.height = static_cast<std::uint32_t>(columns.number(row, "height"));
    image.size = static_cast<ByteSize>(columns.number(row, "size"));
    return image;
}

model::Callback to_callback(const Columns& columns, const pqxx::row& row) {
    model::Callback callback;
    callback.id = CallbackId::trusted(columns.text(row, "id"));
    callback.app = AppName::trusted(columns.text(row, "app"));
    if (columns.text(row, "subject_kind") == "package")
        callback.package = PackageId::trusted(columns.text(row, "subject_id"));
    else
        callback.upload = UploadId::trusted(columns.text(row, "subject_id"));
    callback.type = read_word<model::CallbackType>(columns.text(row, "type"));
    callback.sequence = columns.number(row, "sequence");
    callback.url = columns.text(row, "url");
    callback.body = columns.text(row, "body");
    callback.state = read_word<model::CallbackState>(columns.text(row, "state"));
    callback.attempts = static_cast<std::uint32_t>(columns.number(row, "attempts"));
    callback.created_at = columns.time(row, "created_at");
    callback.next_attempt_at = columns.maybe_time(row, "next_attempt_at");
    callback.lease_token = columns.text(row, "lease_token");
    return callback;
}

model::Callback to_claimed_callback(const Columns& columns, const pqxx::row& row) {
    auto callback = to_callback(columns, row);
    callback.traceparent = columns.maybe_text(row, "traceparent");
    callback.tracestate = columns.maybe_text(row, "tracestate");
    return callback;
}

model::Job to_job(const Columns& columns, const pqxx::row& row, const std::string& token) {
    model::Job job;
    job.lease = {columns.number(row, "job_id"), token};
    job.kind = {columns.text(row, "kind")};
    job.detail = columns.text(row, "job_detail");
    job.attempt = static_cast<std::uint32_t>(columns.number(row, "attempt"));
    job.ready_since = columns.time(row, "ready_since");
    job.ran_out_of_time = row["patient"].as<bool>();
    job.subject = {columns.text(row, "subject_kind"), columns.text(row, "subject_id")};
    job.app = AppName::trusted(columns.text(row, "job_app"));
    job.party = columns.text(row, "party");
    job.slot = columns.text(row, "slot");
    job.payload = columns.text(row, "payload");
    if (!columns.is_null(row, "id")) job.upload = to_upload(columns, row);
    return job;
}

}  // namespace photogate::storage::records
