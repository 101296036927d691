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
    uploads_.add(upload.id.str());
    apps_.add(upload.app.str());
    types_.add(to_string(type));
    sequences_.add(upload.sequence);
    urls_.add(callback.url);
    bodies_.add(callback.body);
    ++count_;
}

void OutboxRows::insert(Transaction& transaction, Timestamp now) const {
    if (count_ == 0) return;
    transaction.run("insert_callbacks",
                    params(ids_, uploads_, apps_, types_, sequences_, urls_, bodies_, now));
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
        for (int column = 0; column < 9; ++column)
            parameters.add_null();
        return;
    }
    constexpr std::size_t kLongestText = 1 << 20;
    parameters.add(storable_text(facts->content_type, 256))
        .add(facts->size)
        .add(storable_text(facts->sha256, 64))
        .add(facts->width)
        .add(facts->height)
        .add(storable_text(facts->exif_json, kLongestText))
        .add(storable_text(facts->privacy_json, kLongestText))
        .add(storable_text(facts->placeholder, 1024))
        .add(storable_text(facts->perceptual_hash, 256));
}

}  // namespace photogate::storage::records
