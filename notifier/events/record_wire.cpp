#include "notifier/events/record_wire.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/ascii.hpp"
#include "base/encoding.hpp"
#include "notifier/events/document_wire.hpp"

namespace photogate::notifier::events {
namespace {

using nlohmann::json;
using Kind = RecordReading::Kind;

constexpr std::size_t kMostMetadataBytes = 8'192;
constexpr std::string_view kMetadataPrefix = "x-amz-meta-";
constexpr std::string_view kBuckets = "/buckets/";
constexpr std::int64_t kLastSecond = 253'402'300'799;  // of the year 9999

bool names(std::string_view pattern, std::string_view name) {
    if (!pattern.ends_with('*')) return pattern == name;
    return name.starts_with(pattern.substr(0, pattern.size() - 1));
}

StoreOperation operation_of(std::string_view name, const Shape& shape) {
    const auto found = std::find_if(shape.operations.begin(), shape.operations.end(),
                                    [name](const OperationName& one) { return names(one.name, name); });
    return found == shape.operations.end() ? StoreOperation::other : found->operation;
}

std::optional<std::string> form_decode(std::string_view in) {
    std::string out;
    out.reserve(in.size());
    for (std::size_t i = 0; i < in.size(); ++i) {
        if (in[i] == '+') {
            out += ' ';
        } else if (in[i] != '%') {
            out += in[i];
        } else {
            if (i + 2 >= in.size()) return std::nullopt;
            const int high = ascii::hex_value(in[i + 1]), low = ascii::hex_value(in[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            out += static_cast<char>(high * 16 + low);
            i += 2;
        }
    }
    return out;
}

/// Reads one record, member by member.
class RecordReader {
  public:
    RecordReader(const json& record, const DialectRow& row, KeyEncoding keys)
        : record_(record), row_(row), shape_(*row.shape), keys_(keys) {}

    RecordReading read() {
        if (!record_.is_object()) return refuse("it is not an object");
        if (!read_name()) return std::move(out_);
        if (!read_bucket() || !read_version() || !read_sequencer()) return std::move(out_);
        read_size();
        read_etag();
        read_time();
        if (const auto* id = text_at(record_, shape_.request_id, 256)) out_.event.request_id = *id;
        if (const auto* type = text_at(record_, shape_.content_type, 256); type && !type->empty())
            out_.event.content_type = *type;
        read_metadata();
        if (const auto* directory = at(record_, shape_.directory); directory && *directory == true)
            out_.event.operation = StoreOperation::other;
        return std::move(out_);
    }

  private:
    RecordReading refuse(std::string why) {
        (void)refused(std::move(why));
        return std::move(out_);
    }
    bool refused(std::string why) {
        out_.kind = Kind::unreadable;
        out_.refusal = std::move(why);
        return false;
    }
    bool of_no_object() {
        out_.kind = Kind::of_no_object;
        return false;
    }

    bool read_name() {
        const auto* name = text_at(record_, shape_.name, 256);
        if (!name || name->empty()) return refused("there is no " + std::string{shape_.name});
        out_.event.name = without_prefix(*name, shape_);
        if (const auto* reason = text_at(record_, shape_.reason, 64);
            reason && out_.event.name.size() + reason->size() < 256)
            out_.event.name += ":" + *reason;
        out_.event.operation = operation_of(out_.event.name, shape_);
        return shape_.ping.empty() || out_.event.name != shape_.ping || of_no_object();
    }

    bool read_bucket() {
        if (shape_.key_form == KeyForm::bucket_path) return read_bucket_path();
        const auto* key = at(record_, shape_.key);
        const auto* name = text_at(record_, shape_.bucket, 255);
        if (!name || name->empty()) return refused("there is no bucket name");
        out_.event.bucket = *name;
        const auto* said = key ? key->get_ptr<const std::string*>() : nullptr;
        return said ? read_key(*said) : refused("there is no key");
    }

    /// What is in no bucket, and buckets themselves, are files and folders of other use.
    bool read_bucket_path() {
        const auto* value = at(record_, shape_.key);
        const auto* said = value ? value->get_ptr<const std::string*>() : nullptr;
        if (!said) return refused("there is no key");
        if (!said->starts_with(kBuckets)) return of_no_object();
        const auto path = std::string_view{*said}.substr(kBuckets.size());
        const auto slash = path.find('/');
        if (slash == std::string_view::npos || slash == 0 || slash + 1 == path.size()) return of_no_object();
        if (slash > 255 || path.substr(0, slash).find('\0') != std::string_view::npos)
            return refused("there is no bucket name");
        out_.event.bucket = path.substr(0, slash);
        return read_key(path.substr(slash + 1));
    }

    bool read_key(std::string_view said) {
        std::optional<std::string> key;
        switch (keys_) {
            case KeyEncoding::form:
                key = form_decode(said);
                break;
            case KeyEncoding::raw:
                key = said;
                break;
        }
        if (!key) return refused("the key has an invalid %-escape");
        if (key->empty()) return refused("the key is empty");
        if (key->size() > 1'024) return refused("the key is longer than 1,024 bytes");
        if (key->find('\0') != std::string::npos) return refused("the key holds a NUL");
        if (!is_utf8(*key)) return refused("the key is not UTF-8");
        out_.event.key = std::move(*key);
        return true;
    }

    bool read_version() {
        const auto* value = at(record_, shape_.version);
        if (!value || value->is_null()) return true;
        const auto* said = text_at(record_, shape_.version, 1'024);
        if (!said) return refused("the versionId is not a text of at most 1,024 bytes");
        if (!said->empty() && *said != "null") out_.event.version = *said;
        return true;
    }

    bool read_sequencer() {
        const auto* value = at(record_, shape_.sequencer);
        if (!value || value->is_null()) return true;
        if (const auto* number = value->get_ptr<const json::number_unsigned_t*>()) {
            out_.event.sequencer = std::to_string(*number);
            return true;
        }
        const auto* said = text_at(record_, shape_.sequencer, 256);
        if (!said) return refused("the sequencer is not a text of at most 256 bytes");
        out_.event.sequencer = *said;
        return true;
    }

    void read_size() {
        const auto* value = at(record_, shape_.size);
        if (!value || value->is_null()) return;
        std::optional<ByteSize> size;
        if (const auto* number = value->get_ptr<const json::number_unsigned_t*>()) {
            size = *number;
        } else if (const auto* digits = value->get_ptr<const std::string*>()) {
            size = ascii::parse_whole<ByteSize>(*digits);
        }
        if (!size || *size > static_cast<ByteSize>(std::numeric_limits<std::int64_t>::max())) {
            out_.notes.emplace_back("the size is not one that an object can have");
            return;
        }
        const bool assembled = out_.event.operation == StoreOperation::created_multipart ||
                               out_.event.operation == StoreOperation::created_copy;
        if (*size == 0 && assembled && row_.zero_size == ZeroSize::unknown_if_assembled) return;
        out_.event.size = size;
    }

    void read_etag() {
        const auto* value = at(record_, shape_.etag);
        if (!value || value->is_null()) return;
        const auto* said = value->get_ptr<const std::string*>();
        if (said && said->empty()) return;
        std::string tag = said ? *said : std::string{};
        if (said && shape_.etag_form == ETagForm::base64_md5) {
            const auto md5 = from_base64(*said);
            tag = md5 && md5->size() == 16 ? hex_lower(*md5) : std::string{};
        }
        if (const auto etag = parse_etag(tag); etag && !tag.empty()) {
            out_.event.etag = etag->str();
        } else {
            out_.notes.emplace_back("the eTag is not an entity tag");
        }
    }

    void read_time() {
        const auto* value = at(record_, shape_.time);
        if (!value) return;
        if (shape_.time_form == TimeForm::rfc3339) {
            if (const auto* text = text_at(record_, shape_.time, 64))
                out_.event.occurred_at = parse_rfc3339(*text);
            return;
        }
        const auto* number = value->get_ptr<const json::number_unsigned_t*>();
        const std::uint64_t thousand = shape_.time_form == TimeForm::milliseconds ? 1'000 : 1;
        if (!number || *number / thousand > static_cast<std::uint64_t>(kLastSecond)) return;
        const auto micros = static_cast<std::int64_t>(*number * (1'000'000 / thousand));
        out_.event.occurred_at = Timestamp{std::chrono::microseconds{micros}};
    }

    void add_metadata(const std::string& name, const json& value) {
        const auto small = ascii::to_lower(name);
        if (!small.starts_with(kMetadataPrefix) || small.size() == kMetadataPrefix.size()) return;
        const auto* said = value.get_ptr<const std::string*>();
        const bool storable =
            said && said->find('\0') == std::string::npos && small.find('\0') == std::string::npos;
        if (!storable || metadata_bytes_ + small.size() + said->size() > kMostMetadataBytes) {
            out_.notes.emplace_back("a metadata entry was left out");
            return;
        }
        metadata_bytes_ += small.size() + said->size();
        out_.event.client_metadata.emplace(small.substr(kMetadataPrefix.size()), *said);
    }

    void read_metadata() {
        const auto form = row_.metadata;
        const auto* object = at(record_, shape_.metadata);
        if (!object || form == MetadataForm::none) return;
        const auto* user = at(*object, "userMetadata");
        if (form != MetadataForm::list && user && user->is_object()) {
            for (const auto& [name, value] : user->items())
                add_metadata(name, value);
        }
        const auto* list = at(*object, "metadata");
        if (form == MetadataForm::object || !list || !list->is_array()) return;
        for (const auto& entry : *list) {
            const auto* name = text_at(entry, "key", kMostMetadataBytes);
            const auto* value = at(entry, "val");
            if (name && value) add_metadata(*name, *value);
        }
    }

    const json& record_;
    const DialectRow& row_;
    const Shape& shape_;
    const KeyEncoding keys_;
    RecordReading out_;
    std::size_t metadata_bytes_ = 0;
};

}  // namespace

std::string_view without_prefix(std::string_view name, const Shape& shape) {
    return name.starts_with(shape.name_prefix) ? name.substr(shape.name_prefix.size()) : name;
}

RecordReading read_record(const json& record, const DialectRow& row, KeyEncoding keys) {
    return RecordReader{record, row, keys}.read();
}

}  // namespace photogate::notifier::events
