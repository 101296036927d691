// parse(): one reader for all dialects, led by the rows of dialect_table.cpp. A message is an announcement, or carries
// other messages, or has records.
#include <algorithm>
#include <exception>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "notifier/events/dialect_table.hpp"
#include "notifier/events/document_wire.hpp"
#include "notifier/events/record_wire.hpp"

namespace photogate::notifier::events {
namespace {

using nlohmann::json;

tl::unexpected<Error> refuse(std::string why) {
    return fail(ErrorCode::bad_request, std::move(why));
}

bool is_carrier(const json& value, const Envelope& envelope) {
    const auto* marker = at(value, envelope.marker);
    if (!marker) return false;
    if (envelope.value.empty()) return true;
    const auto* text = marker->get_ptr<const std::string*>();
    return text && *text == envelope.value;
}

/// What a carrier has in it, as a message of its own.
Result<Document> contents(const json& carrier, const Envelope& envelope) {
    const auto* inner = at(carrier, envelope.inner);
    if (!inner) return refuse(fmt::format("there is no {}", envelope.inner));
    if (inner->is_object() && envelope.form != Envelope::Form::text) return Document{*inner, {}};
    const auto* text = inner->get_ptr<const std::string*>();
    if (!text || envelope.form == Envelope::Form::object)
        return refuse(fmt::format("{} is of another type", envelope.inner));
    if (envelope.form == Envelope::Form::text) return read_document(*text);
    const auto decoded = from_base64(*text);
    if (!decoded) return refuse(fmt::format("{} is not base64", envelope.inner));
    return read_document(as_text(*decoded));
}

class Normaliser {
  public:
    Normaliser(const DialectRow& row, KeyEncoding keys) : row_(row), keys_(keys) {}

    Result<EventBatch> read(const Document& document) {
        if (auto taken = take(document, 0); !taken) return fail(taken.error());
        if (too_many_) return refuse(fmt::format("there are more than {} records", kMostEventRecords));
        batch_.test_event =
            announced_ && batch_.events.empty() && batch_.unreadable.empty() && !batch_.subscription;
        return std::move(batch_);
    }

  private:
    /// Errors: why the message is not one of the dialect.
    Result<> take(const Document& document, std::size_t depth) {
        const auto& message = document.body;
        if (is_announcement(message)) {
            announced_ = true;
            return {};
        }
        for (const auto& envelope : row_.envelopes) {
            if (carries(message, envelope)) return open(message, envelope, depth);
        }
        return row_.shape->list.empty() ? take_one(message) : take_list(document);
    }

    bool is_announcement(const json& message) {
        const auto& known = row_.announcements;
        const auto* event = text_at(message, "Event", 64);
        if (known.s3_test && event && *event == "s3:TestEvent") return true;
        const auto* records = at(message, "Records");
        if (known.null_records && records && records->is_null()) return true;
        const auto* type = known.sns ? text_at(message, "Type", 64) : nullptr;
        if (!type || *type == "Notification") return false;
        const auto* topic = text_at(message, "TopicArn", 512);
        const auto* url = text_at(message, "SubscribeURL", 2'048);
        // That of an UnsubscribeConfirmation would subscribe again.
        if (*type == "SubscriptionConfirmation" && topic && url)
            batch_.subscription = Subscription{*topic, *url};
        return *type == "SubscriptionConfirmation" || *type == "UnsubscribeConfirmation";
    }

    static bool carries(const json& message, const Envelope& envelope) {
        if (envelope.list.empty())
            return is_carrier(message, envelope) &&
                   (envelope.form != Envelope::Form::object ||
                    (at(message, envelope.inner) != nullptr && at(message, envelope.inner)->is_object()));
        const auto* list = at(message, envelope.list);
        return list && list->is_array() && !list->empty() && is_carrier(list->front(), envelope);
    }

    Result<> open(const json& message, const Envelope& envelope, std::size_t depth) {
        if (depth == kMostEnvelopes)
            return refuse(fmt::format("messages lie within messages more than {} deep", kMostEnvelopes));
        if (envelope.list.empty()) {
            const auto inner = contents(message, envelope);
            if (!inner) return fail(inner.error());
            return take(*inner, depth + 1);
        }
        const auto& list = *at(message, envelope.list);
        if (!reserve(list.size())) return {};
        for (std::size_t i = 0; i < list.size(); ++i) {
            auto taken = is_carrier(list[i], envelope) ? open_one(list[i], envelope, depth)
                                                       : Result<>{refuse("it is not like the first")};
            if (!taken) batch_.unreadable.push_back(fmt::format("message {}: {}", i, taken.error().detail));
        }
        return {};
    }

    Result<> open_one(const json& carrier, const Envelope& envelope, std::size_t depth) {
        const auto inner = contents(carrier, envelope);
        if (!inner) return fail(inner.error());
        return take(*inner, depth + 1);
    }

    /// False: with so many more there would be too many.
    bool reserve(std::size_t more) {
        too_many_ = too_many_ || batch_.events.size() + batch_.unreadable.size() + more > kMostEventRecords;
        return !too_many_;
    }

    Result<> take_one(const json& message) {
        if (!reserve(1)) return {};
        auto reading = read_record(message, row_, keys_);
        if (reading.kind == RecordReading::Kind::unreadable) return refuse(std::move(reading.refusal));
        keep(std::move(reading), {});
        return {};
    }

    Result<> take_list(const Document& document) {
        const auto name = row_.shape->list;
        const auto* records = at(document.body, name);
        if (!records) return refuse(fmt::format("the body has no {}", name));
        if (!records->is_array()) return refuse(fmt::format("{} is not an array", name));
        if (records->empty()) return refuse(fmt::format("{} is empty", name));
        if (!reserve(records->size())) return {};
        const auto before = batch_.events.size() + batch_.unreadable.size();
        for (std::size_t i = 0; i < records->size(); ++i)
            take_record((*records)[i], i, document.ambiguous_records);
        const bool only = before == 0 && batch_.events.size() == 1 && batch_.unreadable.empty();
        if (row_.beside == Beside::compared && only) compare(document.body);
        return {};
    }

    void take_record(const json& record, std::size_t index, const std::set<std::size_t>& ambiguous) {
        const auto label = fmt::format("record {}: ", index);
        if (ambiguous.contains(index)) {
            batch_.unreadable.push_back(label + "a member appears twice");
            return;
        }
        auto reading = read_record(record, row_, keys_);
        if (reading.kind == RecordReading::Kind::unreadable) {
            batch_.unreadable.push_back(label + reading.refusal);
            return;
        }
        keep(std::move(reading), label);
    }

    void keep(RecordReading reading, const std::string& label) {
        if (reading.kind == RecordReading::Kind::of_no_object) {
            announced_ = true;
            return;
        }
        for (const auto& note : reading.notes)
            batch_.notes.push_back(label + note);
        batch_.events.push_back(std::move(reading.event));
    }

    /// MinIO repeats bucket, key and name beside its only record. The record is what counts.
    void compare(const json& message) {
        const auto& event = batch_.events.front();
        const auto* key = at(message, "Key");
        const auto* said = key ? key->get_ptr<const std::string*>() : nullptr;
        if (said && *said != event.bucket + "/" + event.key)
            batch_.notes.emplace_back("Key and its record disagree");
        const auto* name = text_at(message, "EventName", 256);
        if (name && without_prefix(*name, *row_.shape) != event.name)
            batch_.notes.emplace_back("EventName and its record disagree");
    }

    const DialectRow& row_;
    const KeyEncoding keys_;
    EventBatch batch_;
    bool announced_ = false;
    bool too_many_ = false;
};

}  // namespace

Result<EventBatch> parse(Dialect dialect, KeyEncoding keys, std::string_view body) {
    try {
        const auto document = read_document(body);
        if (!document) return fail(document.error());
        return Normaliser{row_of(dialect), keys}.read(*document);
    } catch (const std::exception&) {
        return refuse("the body could not be read");
    }
}

}  // namespace photogate::notifier::events
