#include "storage/builtin/uploads.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>

#include "signer/digest.hpp"
#include "storage/builtin/stream_state.hpp"

namespace photogate::storage::builtin {

namespace {

constexpr std::uint32_t kMostParts = 10'000;
constexpr std::int64_t kAbortedTogether = 16;
/// How long a repeated completion is answered with the result of the first.
constexpr std::chrono::hours kCompletionsKept{24};

struct PartRow {
    StoredPart part;
    std::uint64_t body = 0;
};

struct UploadRow {
    std::int64_t id = 0;
    OpenUpload upload;
    ObjectHeaders headers;
};

std::optional<UploadRow> find_upload(Connection& index, std::int64_t bucket, const ObjectKey& key,
                                     const std::string& name) {
    Query query = index.query("upload");
    if (!query.number(bucket).blob(key.str()).text(name).step()) return std::nullopt;
    UploadRow row;
    row.id = query.number_at(0);
    row.upload.id = name;
    row.upload.key = key;
    row.upload.started = timestamp_of(query.number_at(1));
    if (const auto checksum = unpack_checksum(query.optional_blob_at(2))) {
        row.upload.checksum = checksum->algorithm;
        row.upload.checksum_type = checksum->type;
    }
    row.headers = unpack_headers(query.blob_at(3));
    row.upload.storage_class = row.headers.storage_class;
    return row;
}

std::vector<PartRow> find_parts(Connection& index, std::int64_t upload, std::uint32_t after,
                                std::int64_t most) {
    std::vector<PartRow> rows;
    Query query = index.query("parts");
    query.number(upload).number(std::int64_t{after}).number(most);
    while (query.step()) {
        PartRow row;
        row.part.number = static_cast<std::uint32_t>(query.number_at(0));
        row.body = query.count_at(1);
        row.part.size = query.count_at(2);
        row.part.etag = ETag::trusted(query.text_at(3));
        row.part.last_modified = timestamp_of(query.number_at(4));
        row.part.checksum = unpack_checksum(query.optional_blob_at(5));
        rows.push_back(std::move(row));
    }
    return rows;
}

/// The named parts as stored, in order, or the mistake in the list.
Result<std::vector<PartRow>> choose(std::vector<PartRow> stored, const std::vector<ChosenPart>& named,
                                    ByteSize least) {
    if (named.empty()) return fail(ErrorCode::store_invalid_part, "no part is named");
    std::vector<PartRow> chosen;
    chosen.reserve(named.size());
    auto at = stored.begin();
    std::uint32_t before = 0;
    for (const ChosenPart& part : named) {
        if (part.number <= before)
            return fail(ErrorCode::store_invalid_part_order, "the parts are not in ascending order");
        before = part.number;
    }
    for (const ChosenPart& part : named) {
        while (at != stored.end() && at->part.number < part.number)
            ++at;
        if (at == stored.end() || at->part.number != part.number)
            return fail(ErrorCode::store_invalid_part, fmt::format("there is no part {}", part.number));
        if (at->part.etag != part.etag || (part.checksum && at->part.checksum != part.checksum))
            return fail(ErrorCode::store_invalid_part,
                        fmt::format("part {} differs from the one named", part.number));
        chosen.push_back(std::move(*at++));
    }
    for (std::size_t i = 0; i + 1 < chosen.size(); ++i)
        if (chosen[i].part.size < least)
            return fail(ErrorCode::store_part_too_small,
                        fmt::format("part {} has {} bytes, all but the last have at least {}",
                                    chosen[i].part.number, chosen[i].part.size, least));
    return chosen;
}

ETag etag_of(const std::vector<PartRow>& parts) {
    Bytes md5s;
    for (const PartRow& row : parts)
        if (const auto md5 = from_hex(row.part.etag.str())) md5s.insert(md5s.end(), md5->begin(), md5->end());
    return ETag::trusted(fmt::format("{}-{}", hex_lower(signer::md5(md5s)), parts.size()));
}

/// AWS appends the number of parts to a composite checksum (`…-3`); minio-go sends it without.
bool agrees(const Checksum& made, const Checksum& expected) {
    if (made.algorithm != expected.algorithm) return false;
    const auto bare =
        made.type == ChecksumType::composite ? made.value.substr(0, made.value.rfind('-')) : made.value;
    return expected.value == made.value || expected.value == bare;
}

std::optional<Checksum> checksum_of(const OpenUpload& upload, const std::vector<PartRow>& parts) {
    const auto algorithm = upload.checksum.value_or(kDefaultChecksum);
    const auto type = upload.checksum ? upload.checksum_type : ChecksumType::full_object;
    Bytes whole;
    ChecksumStream composite{algorithm};
    for (const PartRow& row : parts) {
        // Of an upload without a checksum, a part may have one that its client chose.
        const bool known = row.part.checksum && row.part.checksum->algorithm == algorithm;
        const auto value = known ? from_base64(row.part.checksum->value) : std::nullopt;
        if (!value) return std::nullopt;
        composite.update(*value);
        whole = whole.empty() ? *value : combine_crcs(algorithm, whole, *value, row.part.size);
    }
    if (type == ChecksumType::full_object)
        return Checksum{algorithm, base64(whole), ChecksumType::full_object};
    return Checksum{algorithm, fmt::format("{}-{}", composite.finish(), parts.size()),
                    ChecksumType::composite};
}

void drop_upload(Transaction& transaction, std::int64_t id) {
    transaction.index.query("waste_parts").number(id).run();
    transaction.index.query("remove_parts").number(id).run();
    transaction.index.query("remove_upload").number(id).run();
    transaction.made_garbage = true;
}

/// The result of an upload that is completed already, if the same parts are named.
Result<> repeat(Connection& index, std::int64_t bucket, const ObjectKey& key, const std::string& upload,
                const std::vector<ChosenPart>& named, ObjectRow& row) {
    Query query = index.query("completion");
    if (!query.number(bucket).blob(key.str()).text(upload).step()) return fail(no_such_upload());
    std::vector<PartRow> parts;
    for (const ChosenPart& part : named) {
        parts.emplace_back();
        parts.back().part.etag = part.etag;
    }
    row = {};
    row.object.etag = ETag::trusted(query.text_at(0));
    if (etag_of(parts) != row.object.etag) return fail(no_such_upload());
    row.object.size = query.count_at(1);
    row.object.checksum = unpack_checksum(query.optional_blob_at(2));
    return {};
}

}  // namespace

Result<std::string> Uploads::start(const Bucket& bucket, const ObjectKey& key, const UploadOptions& options) {
    if (auto good = check_key(key); !good) return fail(good.error());
    const bool sums_join = !options.checksum || (*options.checksum != ChecksumAlgorithm::sha1 &&
                                                 *options.checksum != ChecksumAlgorithm::sha256);
    if (options.checksum_type == ChecksumType::full_object && !sums_join)
        return fail(ErrorCode::invalid_checksum, "a checksum of the full object must be a CRC");
    std::array<std::byte, 16> chance{};
    state_.random.fill(chance);
    const std::string name = hex_lower({reinterpret_cast<const std::uint8_t*>(chance.data()), chance.size()});
    std::optional<Checksum> checksum;
    if (options.checksum) checksum = Checksum{*options.checksum, "", options.checksum_type};
    const auto outcome = state_.commit([&](Transaction& transaction) -> Result<> {
        const auto in = state_.bucket_id(transaction.index, bucket);
        transaction.index.query("add_upload")
            .number(in)
            .blob(key.str())
            .text(name)
            .number(micros_of(state_.clock.now()))
            .optional_blob(pack_checksum(checksum))
            .blob(pack_headers(options.headers))
            .run();
        return {};
    });
    if (!outcome.result) return fail(outcome.result.error());
    return name;
}

Result<PartPage> Uploads::parts(const ObjectName& object, const std::string& upload,
                                const PartListOptions& options) {
    return guarded([&]() -> Result<PartPage> {
        auto index = state_.readers.take();
        const Snapshot snapshot{*index};
        const auto in = state_.bucket_id(*index, object.bucket);
        auto row = find_upload(*index, in, object.key, upload);
        if (!row) return fail(no_such_upload());
        PartPage page{.upload = std::move(row->upload)};
        for (PartRow& part :
             find_parts(*index, row->id, options.after, std::int64_t{options.max_parts} + 1)) {
            if (page.parts.size() == options.max_parts) {
                page.truncated = true;
                break;
            }
            page.parts.push_back(std::move(part.part));
        }
        return page;
    });
}

Result<StoredObject> Uploads::complete(const ObjectName& object, const std::string& upload,
                                       const std::vector<ChosenPart>& named, const CompleteOptions& options) {
    ObjectRow row;
    bool again = false;
    const auto outcome = state_.commit([&](Transaction& transaction) -> Result<> {
        Connection& index = transaction.index;
        const auto in = state_.bucket_id(index, object.bucket);
        auto found = find_upload(index, in, object.key, upload);
        again = !found.has_value();
        if (again) return repeat(index, in, object.key, upload, named, row);
        auto chosen = choose(find_parts(index, found->id, 0, std::numeric_limits<std::int64_t>::max()), named,
                             state_.options.least_part);
        if (!chosen) return fail(chosen.error());
        row = {};
        row.content = chosen->front().body;
        row.object.etag = etag_of(*chosen);
        row.object.headers = std::move(found->headers);
        row.object.checksum = checksum_of(found->upload, *chosen);
        row.object.part_count = static_cast<std::uint32_t>(chosen->size());
        for (const PartRow& part : *chosen)
            row.object.size += part.part.size;
        if (auto fits = state_.check_size(object.bucket, row.object.size); !fits) return fits;
        if (options.expected_size && *options.expected_size != row.object.size)
            return fail(ErrorCode::size_mismatch, "the parts together do not have the announced length");
        if (options.expected && (!row.object.checksum || !agrees(*row.object.checksum, *options.expected)))
            return fail(ErrorCode::store_checksum_mismatch, "the parts together have a different checksum");
        auto held = state_.discard_current(transaction, in, object.key, options.condition);
        if (!held) return held;
        for (std::size_t i = 0; i < chosen->size(); ++i)
            index.query("add_segment")
                .number(row.content)
                .number(static_cast<std::int64_t>(i))
                .number((*chosen)[i].body)
                .number((*chosen)[i].part.size)
                .text((*chosen)[i].part.etag.str())
                .run();
        index.query("waste_parts").number(found->id).run();
        index.query("keep_chosen_parts").number(row.content).run();
        index.query("remove_parts").number(found->id).run();
        index.query("remove_upload").number(found->id).run();
        transaction.made_garbage = true;
        row.object.last_modified = state_.clock.now();
        row.object.sequence = transaction.next_sequence();
        state_.put_row(transaction, in, object.key, row);
        index.query("remove_completions_before")
            .number(micros_of(row.object.last_modified - kCompletionsKept))
            .run();
        index.query("add_completion")
            .number(in)
            .blob(object.key.str())
            .text(upload)
            .text(row.object.etag.str())
            .number(row.object.size)
            .optional_blob(pack_checksum(row.object.checksum))
            .number(micros_of(row.object.last_modified))
            .run();
        return {};
    });
    if (!outcome.result) return fail(outcome.result.error());
    if (again) return std::move(row.object);
    state_.announce(object.bucket, object.key, row.object, Creation::complete_multipart);
    return std::move(row.object);
}

Result<> Uploads::abort(const ObjectName& object, const std::string& upload) {
    return state_
        .commit_removal([&](Transaction& transaction) -> Result<> {
            Connection& index = transaction.index;
            const auto in = state_.bucket_id(index, object.bucket);
            const auto found = find_upload(index, in, object.key, upload);
            if (!found) return fail(no_such_upload());
            drop_upload(transaction, found->id);
            return {};
        })
        .result;
}

Result<std::size_t> Uploads::abort_started_before(Timestamp oldest) {
    std::size_t aborted = 0;
    for (bool more = true; more;) {
        std::size_t in_this_commit = 0;
        const auto outcome = state_.commit_removal([&](Transaction& transaction) -> Result<> {
            Connection& index = transaction.index;
            std::vector<std::int64_t> found;
            {
                Query query = index.query("uploads_before");
                query.number(micros_of(oldest)).number(kAbortedTogether);
                while (query.step())
                    found.push_back(query.number_at(0));
            }
            for (const auto id : found)
                drop_upload(transaction, id);
            in_this_commit = found.size();
            return {};
        });
        if (!outcome.result) return fail(outcome.result.error());
        aborted += in_this_commit;
        more = in_this_commit == static_cast<std::size_t>(kAbortedTogether);
    }
    return aborted;
}

Result<FolderWriter> Uploads::write_part(const ObjectName& object, const PartAddress& part,
                                         WriteOptions options) {
    return guarded([&]() -> Result<FolderWriter> {
        if (part.number < 1 || part.number > kMostParts)
            return fail(ErrorCode::invalid_field, "a part's number is 1 to 10,000");
        if (auto fits = state_.check_size(object.bucket, options.announced.value_or(0)); !fits)
            return fail(fits.error());
        {
            auto index = state_.readers.take();
            const auto in = state_.bucket_id(*index, object.bucket);
            Query upload = index->query("upload");
            if (!upload.number(in).blob(object.key.str()).text(part.upload).step())
                return fail(no_such_upload());
            if (const auto asked = unpack_checksum(upload.optional_blob_at(2))) {
                if (options.keep && *options.keep != asked->algorithm)
                    return fail(ErrorCode::invalid_checksum, "the upload has another checksum algorithm");
                options.keep = asked->algorithm;
            } else if (!options.keep) {
                options.keep = kDefaultChecksum;
            }
        }
        auto writer =
            std::make_unique<FolderWriter::State>(state_, object.bucket, object.key, std::move(options));
        writer->part = part;
        if (auto begun = writer->begin(); !begun) return fail(begun.error());
        return FolderWriter{std::move(writer)};
    });
}

}  // namespace photogate::storage::builtin
