#include "storage/records/database_state.hpp"
#include "storage/records/records_wire.hpp"

namespace photogate::storage::records {

std::optional<model::ComposedCallback> compose(const model::CallbackComposer& composer,
                                               model::CallbackType type, model::Upload& upload,
                                               Timestamp now) {
    ++upload.sequence;
    auto callback = composer.compose(type, upload, now);
    if (!callback) --upload.sequence;
    return callback;
}

void OutboxRows::add(const model::ComposedCallback& callback, model::CallbackType type,
                     const model::Upload& upload) {
    ids_.add(callback.id.str());
    subjects_.add(upload.id.str());
    apps_.add(upload.app.str());
    types_.add(to_string(type));
    sequences_.add(upload.sequence);
    urls_.add(callback.url);
    bodies_.add(callback.body);
    delays_.add(std::int64_t{0});
    ++count_;
}

void OutboxRows::add(const model::ComposedCallback& callback, model::CallbackType type,
                     const model::Package& package) {
    ids_.add(callback.id.str());
    subjects_.add(package.id.str());
    apps_.add(package.app.str());
    types_.add(to_string(type));
    sequences_.add(std::int64_t{1});
    urls_.add(callback.url);
    bodies_.add(callback.body);
    delays_.add(std::int64_t{0});
    ++count_;
}

void OutboxRows::add(const model::ComposedPurge& purge, std::int64_t number, const model::Upload& upload) {
    ids_.add(purge.id.str());
    subjects_.add(upload.id.str());
    apps_.add(model::hook_party(purge.hook).str());
    types_.add(to_string(model::CallbackType::image_purge));
    sequences_.add(number);
    urls_.add(purge.url);
    bodies_.add(purge.body);
    delays_.add(static_cast<std::int64_t>(purge.after.count()));
    ++count_;
}

void OutboxRows::insert(Transaction& transaction, Timestamp now) const {
    if (count_ == 0) return;
    transaction.run("insert_callbacks",
                    params(ids_, subjects_, apps_, types_, sequences_, urls_, bodies_, now, delays_));
}

void TimelineRows::add(const UploadId& upload, std::string_view event, const model::TextMap& detail) {
    uploads_.add(upload.str());
    events_.add(event);
    details_.add(to_json_text(detail));
    ++count_;
}

void TimelineRows::insert(Transaction& transaction, Timestamp now) const {
    if (count_ == 0) return;
    transaction.run("note", params(uploads_, events_, details_, now));
}

void add_facts(Params& parameters, const std::optional<model::OriginalFacts>& facts) {
    if (!facts) {
        for (int column = 0; column < 10; ++column)
            parameters.add_null();
        return;
    }
    constexpr std::size_t kLongestText = 1 << 20;
    parameters.add(database::storable_text(facts->content_type, 256))
        .add(facts->size)
        .add(database::storable_text(facts->sha256, 64))
        .add(facts->width)
        .add(facts->height)
        .add(database::storable_text(facts->exif_json, kLongestText))
        .add(database::storable_text(facts->privacy_json, kLongestText))
        .add(database::storable_text(facts->placeholder, 1024))
        .add(database::storable_text(facts->perceptual_hash, 256))
        .add(database::storable_text(facts->dominant_color, 16));
}

}  // namespace photogate::storage::records
