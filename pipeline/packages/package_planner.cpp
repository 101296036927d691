#include "pipeline/packages/package_planner.hpp"

#include <utility>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/field_errors.hpp"
#include "model/object_layout.hpp"
#include "model/policy/watermark_policy.hpp"
#include "pipeline/packages/item_name.hpp"

namespace photogate::pipeline::packages {
namespace {

using model::PackageItem;
using storage::packages::FoundItem;
using storage::packages::FoundObject;
using storage::packages::FoundUpload;
using storage::packages::Standing;

/// Further ones are not told, so an answer stays short.
constexpr std::size_t kMostMistakes = 32;

/// Of a missing object, the format that most have.
imaging::Format format_of(const storage::packages::FoundObject* object) {
    constexpr auto kUsual = imaging::Format::jpeg;
    if (object == nullptr) return kUsual;
    if (const auto format = imaging::parse_format(object->format)) return *format;
    return imaging::read_media_type(object->format).format.value_or(kUsual);
}

std::chrono::sys_seconds modified_at(const storage::packages::FoundUpload& upload) {
    if (const auto taken = moment_of(upload.taken_at)) return *taken;
    return std::chrono::floor<std::chrono::seconds>(upload.finished_at.value_or(upload.created_at));
}

/// Whether the package asks for one that the profile does not have.
bool lacks_watermark(const PackageContent& content, const model::DeliveryPolicy& policy) {
    switch (content.watermark) {
        case PackageContent::Watermark::as_profile:
            return false;
        case PackageContent::Watermark::required:
            return !policy.watermark;
        case PackageContent::Watermark::named:
            break;
    }
    return !policy.watermarks.contains(content.mark);
}

}  // namespace

struct Planner::Absence {
    ErrorCode code;  ///< of the answer where there is no package for it
    std::string_view word;
    std::string_view detail;
};

struct Planner::Choice {
    const storage::packages::FoundObject* object = nullptr;
    std::optional<Absence> absence;
};

void Planner::begin() {
    names_ = {};
    layout_ = {};
    contents_.emplace();
    manifest_.reset();
    if (rules_.manifest) manifest_.emplace(*rules_.manifest);
    place_ = 0;
    unmade_ = 0;
    mistakes_.clear();
    totals_ = {};
}

const model::Profile* Planner::profile_of(const storage::packages::FoundUpload& upload) const {
    const auto found = surroundings_.app.profiles.find(upload.profile);
    return found == surroundings_.app.profiles.end() ? nullptr : &found->second;
}

std::optional<std::string> Planner::version_of(const FoundUpload& upload) {
    const auto& content = rules_.content;
    if (!content.is_made() || !upload.image) return std::nullopt;
    const auto* profile = profile_of(upload);
    if (profile == nullptr) return std::nullopt;
    if (content.of == PackageContent::Of::variant && !profile->delivery.variants.contains(content.detail))
        return std::nullopt;
    if (lacks_watermark(content, profile->delivery)) return std::nullopt;
    const auto spec = surroundings_.choose_version(content, profile->delivery, upload);
    if (!spec || !*spec) return std::nullopt;
    return (*spec)->key();
}

Planner::Choice Planner::absent(ErrorCode code, std::string_view detail) {
    return {nullptr, Absence{code, to_string(code), detail}};
}

/// A conflict that has a word of its own.
Planner::Choice Planner::conflict(std::string_view word, std::string_view detail) {
    return {nullptr, Absence{ErrorCode::state_conflict, word, detail}};
}

Planner::Choice Planner::known(const FoundObject& object) {
    if (object.crc32) return {&object, std::nullopt};
    return conflict("checksum_unknown", "it was published before CRC-32 sums were recorded; upload it again");
}

Planner::Choice Planner::choose_original(const FoundUpload& upload) const {
    if (!upload.original)
        return absent(ErrorCode::object_not_found,
                      "the original is not kept, or was sent before CRC-32 sums were recorded");
    if (upload.original_is_moving)
        return absent(ErrorCode::object_not_found, "the original is being put away; try again");
    if (surroundings_.stores.of(upload.original->region) == nullptr)
        return absent(ErrorCode::unavailable, "the upload's region is not configured");
    return known(*upload.original);
}

Planner::Choice Planner::choose_version(const FoundUpload& upload) const {
    const auto& content = rules_.content;
    const auto* profile = profile_of(upload);
    if (profile == nullptr)
        return absent(ErrorCode::unknown_profile, "the upload's profile is not configured");
    const auto& delivery = profile->delivery;
    if (content.of == PackageContent::Of::variant && !delivery.variants.contains(content.detail))
        return absent(ErrorCode::variant_not_found, "the profile has no variant of this name");
    if (lacks_watermark(content, delivery))
        return conflict("watermark_not_found", content.mark.empty()
                                                   ? "the upload's profile has no watermark"
                                                   : "the upload's profile has no watermark of this name");
    const auto spec = surroundings_.choose_version(content, delivery, upload);
    if (!spec && spec.error().code == ErrorCode::invalid_query)
        return conflict("format_not_offered", "the upload's profile does not offer the format");
    if (!spec) return absent(ErrorCode::unavailable, "this gateway does not know the image's format");
    if (!*spec) return choose_image(upload);
    if (upload.version) return known(*upload.version);
    return {nullptr, std::nullopt};
}

Planner::Choice Planner::choose_image(const FoundUpload& upload) const {
    const auto* profile = profile_of(upload);
    const bool unmarked = upload.watermark.empty() && profile != nullptr && profile->delivery.watermark;
    if (upload.watermark == model::kKeptClean || unmarked)
        return conflict(kNotMade, "the image is given out with its watermark alone; ask for it with 'image'");
    return known(*upload.image);
}

Planner::Choice Planner::choose(const FoundItem& item) const {
    if (!item.absent.empty()) return conflict(item.absent, "it could not be had when it was prepared");
    if (!item.upload) return absent(ErrorCode::upload_not_found, "there is no such upload");
    const auto& upload = *item.upload;
    if (upload.state == model::UploadState::deleted) return absent(ErrorCode::gone, "the upload was deleted");
    if (upload.state != model::UploadState::published || !upload.image)
        return absent(ErrorCode::not_published, "the upload has no published image");
    if (rules_.content.of == PackageContent::Of::original) return choose_original(upload);
    if (rules_.content.is_made()) return choose_version(upload);
    return choose_image(upload);
}

Standing Planner::standing(const FoundItem& item) const {
    using Is = Standing::Is;
    const auto [object, absence] = choose(item);
    if (absence) return {Is::absent, std::string{absence->word}};
    return {object == nullptr ? Is::unmade : Is::there, {}};
}

std::string Planner::name_of(const FoundItem& item) const {
    if (item.asked.name) return *item.asked.name;
    if (!item.upload) return item.asked.upload;
    const auto& upload = *item.upload;
    const auto chosen = choose(item);
    auto filename = file_name_of(upload, format_of(chosen.object));
    if (!rules_.path) return packager::as_component(filename);
    packager::PathValues values;
    values.filename = filename;
    values.id = upload.id.str();
    values.profile = upload.profile.str();
    values.number = layout_.entries() + 1;
    values.taken_at = moment_of(upload.taken_at);
    values.created_at = std::chrono::floor<std::chrono::seconds>(upload.created_at);
    values.metadata = &upload.metadata;
    return rules_.path->render(values);
}

PackageItem Planner::pack(const FoundItem& item, const storage::packages::FoundObject& object) {
    const auto& upload = *item.upload;
    PackageItem packed;
    packed.upload = upload.id;
    packed.name = names_.add(name_of(item));
    packed.size = object.size;
    packed.crc32 = *object.crc32;
    packed.modified = modified_at(upload);
    packed.region = object.region;
    packed.etag = object.etag;
    if (rules_.content.of == PackageContent::Of::original) {
        packed.bucket = surroundings_.stores.of(object.region)->region.originals;
        packed.key = model::original_key(upload.id);
    } else {
        packed.bucket = object.bucket;
        packed.key = object.key;
    }
    place(packed);
    return packed;
}

void Planner::place(PackageItem& item) {
    const packager::Entry entry{item.name, item.size, item.crc32, item.modified};
    item.position = static_cast<std::uint32_t>(layout_.entries());
    item.directory_offset = layout_.directory_size();
    item.archive_offset = layout_.add(entry);
    contents_->update(as_bytes(packager::local_header(entry)));
    contents_->update(as_bytes(item.key.str() + "\n" + item.etag.str() + "\n"));
}

void Planner::list(const FoundItem& item, const PackageItem& packed) {
    if (!manifest_) return;
    const auto& upload = *item.upload;
    packager::ManifestRow row;
    row.number = place_ + 1;
    row.name = packed.name;
    row.upload = upload.id.str();
    if (item.asked.name)
        row.original_name = *item.asked.name;
    else if (upload.filename)
        row.original_name = *upload.filename;
    row.size = packed.size;
    row.crc32 = packed.crc32;
    if (const auto taken = moment_of(upload.taken_at)) row.taken_at = *taken;
    manifest_->add(row);
}

/// Without the file's name: a deletion of the upload does not find it here.
void Planner::list(const model::MissingItem& missing) {
    if (!manifest_) return;
    packager::ManifestRow row;
    row.number = missing.place + 1;
    if (missing.upload)
        row.upload = missing.upload->str();
    else
        row.original_name = missing.name;
    row.state = "missing";
    row.detail = missing.code;
    manifest_->add(row);
}

storage::packages::PlannedItems Planner::pack_manifest() {
    storage::packages::PlannedItems items;
    items.text = manifest_->finish();
    const bool csv = *rules_.manifest == packager::ManifestFormat::csv;
    PackageItem packed;
    packed.name = names_.add(csv ? "manifest.csv" : "manifest.json");
    packed.size = items.text.size();
    packed.crc32 = packager::crc32(0, as_bytes(items.text));
    packed.modified = std::chrono::floor<std::chrono::seconds>(rules_.now);
    packed.key = ObjectKey::trusted("manifest");
    packed.etag = ETag::trusted(hex_lower(signer::sha256(items.text)));
    place(packed);
    items.entries.push_back(std::move(packed));
    return items;
}

Result<> Planner::check_size() const {
    if (place_ > rules_.limits.most_items)
        return fail(ErrorCode::package_too_large,
                    fmt::format("a package has at most {} items; make several", rules_.limits.most_items));
    if (layout_.finish().size > rules_.limits.most_bytes)
        return fail(ErrorCode::package_too_large,
                    fmt::format("a package has at most {} bytes; make several", rules_.limits.most_bytes));
    return {};
}

model::MissingItem Planner::leave_out(const FoundItem& item, std::string_view code) const {
    model::MissingItem missing;
    missing.place = place_;
    if (item.upload) missing.upload = item.upload->id;
    missing.name = packager::safe_name(name_of(item));
    missing.code = code;
    return missing;
}

Result<storage::packages::PlannedItems> Planner::add(std::span<const FoundItem> found) {
    storage::packages::PlannedItems items;
    items.entries.reserve(found.size());
    for (const auto& item : found) {
        const auto [object, absence] = choose(item);
        if (!absence && object == nullptr) {
            ++unmade_;
        } else if (!absence) {
            // One that is wrong is enough: the archive is not made.
            if (mistakes_.empty() && unmade_ == 0) {
                items.entries.push_back(pack(item, *object));
                list(item, items.entries.back());
            }
        } else if (rules_.on_missing == model::OnMissing::fail) {
            auto pointer = rules_.named == Rules::Named::each ? fmt::format("/items/{}/upload", place_)
                                                              : std::string{"/select"};
            mistakes_.push_back({std::move(pointer), absence->code, std::string{absence->detail}});
            if (mistakes_.size() >= kMostMistakes) return fail(field_errors(std::move(mistakes_)));
        } else {
            ++totals_.missing;
            auto missing = leave_out(item, absence->word);
            list(missing);
            if (rules_.on_missing == model::OnMissing::list) items.missing.push_back(std::move(missing));
        }
        ++place_;
        if (auto sane = check_size(); !sane) return fail(std::move(sane.error()));
    }
    return items;
}

Result<storage::packages::PlannedItems> Planner::finish() {
    if (!mistakes_.empty()) return fail(field_errors(std::move(mistakes_)));
    auto items = manifest_ ? pack_manifest() : storage::packages::PlannedItems{};
    const auto extent = layout_.finish();
    totals_.items = extent.entries;
    totals_.size = extent.size;
    totals_.directory_offset = extent.central_offset;
    totals_.directory_size = extent.central_size;
    totals_.etag = hex_lower(contents_->finish()).substr(0, 32);
    return items;
}

}  // namespace photogate::pipeline::packages
