// Listing: each entry of a page is one step in the index or, after a common prefix, one search in it.
#include "storage/builtin/state.hpp"

namespace photogate::storage::builtin {

namespace {

/// The smallest text greater than all that start with `text`; empty: there is none.
std::string after_all_of(std::string text) {
    while (!text.empty() && static_cast<unsigned char>(text.back()) == 0xFF)
        text.pop_back();
    if (!text.empty()) text.back() = static_cast<char>(static_cast<unsigned char>(text.back()) + 1);
    return text;
}

/// Greater than every key: keys have at most 1,024 bytes.
const std::string& beyond_all() {
    static const std::string text(1025, static_cast<char>(0xFF));
    return text;
}

std::string or_beyond(std::string text) {
    return text.empty() ? beyond_all() : std::move(text);
}

/// Up to and including the first delimiter after the prefix; nullopt if there is none.
template <class Options>
std::optional<std::string> common_prefix(const std::string& key, const Options& options) {
    if (options.delimiter.empty() || !key.starts_with(options.prefix)) return std::nullopt;
    const auto found = key.find(options.delimiter, options.prefix.size());
    if (found == std::string::npos) return std::nullopt;
    return key.substr(0, found + options.delimiter.size());
}

constexpr char kKey = 'k';
constexpr char kPrefix = 'p';

/// Where the next page continues.
Result<std::string> first_of(const ListOptions& options) {
    std::string from = options.prefix;
    if (options.continuation) {
        const auto token = from_base64(*options.continuation);
        if (!token || token->empty() || (token->front() != kKey && token->front() != kPrefix))
            return fail(ErrorCode::invalid_cursor, "the continuation token is not from this store");
        const std::string last{as_text(*token).substr(1)};
        from = std::max(from, token->front() == kKey ? last + '\0' : or_beyond(after_all_of(last)));
    } else if (options.start_after && !options.start_after->empty()) {
        const auto prefix = common_prefix(*options.start_after, options);
        from = std::max(from, prefix == options.start_after ? or_beyond(after_all_of(*prefix))
                                                            : *options.start_after + '\0');
    }
    return from;
}

std::string token_of(char kind, const std::string& item) {
    return base64(as_bytes(kind + item));
}

}  // namespace

Result<StoredPage> Objects::list(const Bucket& bucket, const ListOptions& options) {
    return guarded([&]() -> Result<StoredPage> {
        auto from = first_of(options);
        if (!from) return fail(from.error());
        const std::string until = or_beyond(after_all_of(options.prefix));
        auto index = state_.readers.take();
        const Snapshot snapshot{*index};
        const auto in = state_.bucket_id(*index, bucket);
        StoredPage page;
        if (options.max_keys == 0) return page;
        std::string last;
        Query query = index->query("list");
        query.number(in).blob(*from).blob(until);
        while (query.step()) {
            if (page.objects.size() + page.common_prefixes.size() == options.max_keys) {
                page.next = last;
                break;
            }
            std::string key = query.blob_at(0);
            if (auto prefix = common_prefix(key, options)) {
                last = token_of(kPrefix, *prefix);
                query.again();
                query.number(in).blob(or_beyond(after_all_of(*prefix))).blob(until);
                page.common_prefixes.push_back(std::move(*prefix));
                continue;
            }
            last = token_of(kKey, key);
            page.objects.push_back({ObjectKey::trusted(std::move(key)), ETag::trusted(query.text_at(1)),
                                    query.count_at(2), timestamp_of(query.number_at(3))});
            page.storage_classes.push_back(storage_class_in(query.blob_at(4)));
        }
        return page;
    });
}

Result<Usage> Objects::usage(const Bucket& bucket, const std::string& prefix) {
    return guarded([&]() -> Result<Usage> {
        auto index = state_.readers.take();
        const auto in = state_.bucket_id(*index, bucket);
        Query query = index->query("usage");
        query.number(in).blob(prefix).blob(or_beyond(after_all_of(prefix)));
        if (!query.step()) return Usage{};
        return Usage{query.count_at(0), query.count_at(1)};
    });
}

Result<UploadPage> Uploads::list(const Bucket& bucket, const UploadListOptions& options) {
    return guarded([&]() -> Result<UploadPage> {
        auto index = state_.readers.take();
        const Snapshot snapshot{*index};
        const auto in = state_.bucket_id(*index, bucket);
        UploadPage page;
        Query query = index->query("uploads");
        // A key marker alone skips all uploads of its key.
        const std::string id_marker =
            options.id_marker.empty() && !options.key_marker.empty() ? beyond_all() : options.id_marker;
        const auto search = [&](const std::string& from) {
            query.number(in)
                .blob(from)
                .blob(or_beyond(after_all_of(options.prefix)))
                .blob(options.key_marker)
                .text(id_marker);
        };
        const auto marked = common_prefix(options.key_marker, options);
        search(std::max(options.prefix, marked && *marked == options.key_marker
                                            ? or_beyond(after_all_of(*marked))
                                            : options.key_marker));
        while (query.step()) {
            if (page.uploads.size() + page.common_prefixes.size() == options.max_uploads) {
                page.truncated = true;
                break;
            }
            OpenUpload upload;
            upload.key = ObjectKey::trusted(query.blob_at(0));
            if (auto prefix = common_prefix(upload.key.str(), options)) {
                page.next_key = *prefix;
                page.next_id.clear();
                query.again();
                search(or_beyond(after_all_of(*prefix)));
                page.common_prefixes.push_back(std::move(*prefix));
                continue;
            }
            upload.id = query.text_at(1);
            page.next_key = upload.key.str();
            page.next_id = upload.id;
            upload.started = timestamp_of(query.number_at(2));
            if (const auto checksum = unpack_checksum(query.optional_blob_at(3))) {
                upload.checksum = checksum->algorithm;
                upload.checksum_type = checksum->type;
            }
            upload.storage_class = storage_class_in(query.blob_at(4));
            page.uploads.push_back(std::move(upload));
        }
        return page;
    });
}

}  // namespace photogate::storage::builtin
