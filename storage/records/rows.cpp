#include "storage/records/rows.hpp"

#include "base/log.hpp"
#include "storage/records/records_wire.hpp"
#include "storage/records/sql_array.hpp"

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
        upload.image = std::move(image);
    }
    if (!columns.is_null(row, "rejection_code")) {
        upload.rejection =
            model::RejectionFacts{columns.text(row, "rejection_code"), columns.text(row, "rejection_detail")};
    }
    upload.finished_at = columns.maybe_time(row, "finished_at");
}

}  // namespace

Columns::Columns(const pqxx::result& result) {
    // Of two columns of one name the first counts.
    for (pqxx::row::size_type i = 0; i < result.columns(); ++i)
        numbers_.emplace(result.column_name(i), i);
}

pqxx::field Columns::field(const pqxx::row& row, const char* name) const {
    return row[numbers_.at(name)];
}

bool Columns::is_null(const pqxx::row& row, const char* name) const {
    return field(row, name).is_null();
}

std::string Columns::text(const pqxx::row& row, const char* name) const {
    const auto value = field(row, name);
    return value.is_null() ? std::string{} : std::string{value.c_str(), value.size()};
}

std::optional<std::string> Columns::maybe_text(const pqxx::row& row, const char* name) const {
    const auto value = field(row, name);
    return value.is_null() ? std::nullopt : std::make_optional<std::string>(value.c_str(), value.size());
}

std::int64_t Columns::number(const pqxx::row& row, const char* name) const {
    return maybe_number(row, name).value_or(0);
}

std::optional<std::int64_t> Columns::maybe_number(const pqxx::row& row, const char* name) const {
    const auto value = field(row, name);
    return value.is_null() ? std::nullopt : std::make_optional(value.as<std::int64_t>());
}

Timestamp Columns::time(const pqxx::row& row, const char* name) const {
    return maybe_time(row, name).value_or(Timestamp{});
}

std::optional<Timestamp> Columns::maybe_time(const pqxx::row& row, const char* name) const {
    const auto value = field(row, name);
    return value.is_null() ? std::nullopt : parse_sql_timestamp({value.c_str(), value.size()});
}

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
    upload.metadata = parse_text_map(columns.text(row, "metadata"));
    upload.client_fields = parse_text_array(columns.text(row, "client_fields"));
    upload.callback_url = columns.maybe_text(row, "callback_url");
    upload.request_id = columns.text(row, "request_id");
    upload.client_token = columns.maybe_text(row, "client_token");
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

model::Callback to_callback(const Columns& columns, const pqxx::row& row) {
    model::Callback callback;
    callback.id = CallbackId::trusted(columns.text(row, "id"));
    callback.app = AppName::trusted(columns.text(row, "app"));
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

std::vector<std::string> parse_text_array(const std::string& literal) {
    std::vector<std::string> elements;
    pqxx::array_parser parser{literal.c_str()};
    for (auto [juncture, text] = parser.get_next(); juncture != pqxx::array_parser::done;
         std::tie(juncture, text) = parser.get_next()) {
        if (juncture == pqxx::array_parser::string_value) elements.push_back(text);
    }
    return elements;
}

}  // namespace photogate::storage::records
