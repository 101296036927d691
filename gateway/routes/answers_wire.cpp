#include "gateway/routes/answers_wire.hpp"

#include <nlohmann/json.hpp>

#include "base/encoding.hpp"
#include "base/json/writer.hpp"
#include "notifier/callbacks/upload_wire.hpp"

namespace photogate::gateway::routes {
namespace {

using nlohmann::json;

// Untrusted text has been checked by now; `replace` keeps a surprise from becoming an exception.
std::string dump(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

void write_pairs(photogate::json::Writer& out, const std::vector<signer::HeaderField>& headers) {
    out.begin_object();
    for (const auto& header : headers) {
        out.any_name(header.name);
        out.text(header.value);
    }
    out.end_object();
}

void text_or_null(photogate::json::Writer& out, const std::string& text) {
    if (text.empty()) return out.null();
    out.text(text);
}

/// 0 is not known.
void number_or_null(photogate::json::Writer& out, std::uint64_t number) {
    if (number == 0) return out.null();
    out.number(number);
}

/// Of an open plan it is not known.
std::uint64_t count_of(const model::PartPlan& plan) {
    return plan.is_open() ? 0 : plan.count();
}

void write_parts(photogate::json::Writer& out, const std::vector<pipeline::SignedPart>& parts) {
    out.begin_array();
    for (const auto& part : parts) {
        out.begin_object();
        out.name("number");
        out.number(part.number);
        out.name("size");
        number_or_null(out, part.size);
        out.name("method");
        out.text("PUT");
        out.name("url");
        out.text(part.url);
        out.name("headers");
        out.begin_object();
        out.end_object();
        out.end_object();
    }
    out.end_array();
}

void write_part_grant(photogate::json::Writer& out, const model::Upload& upload,
                      const pipeline::PartGrant& parts, const std::string& base) {
    const auto path = base + "/v1/uploads/" + upload.id.str();
    out.begin_object();
    out.name("part_size");
    out.number(parts.plan.part_size);
    out.name("count");
    number_or_null(out, count_of(parts.plan));
    out.name("data");
    write_parts(out, parts.first);
    out.name("links");
    out.begin_object();
    out.name("sign");
    out.text(path + "/parts/sign");
    out.name("parts");
    out.text(path + "/parts");
    out.name("complete");
    out.text(path + "/complete");
    out.end_object();
    out.end_object();
}

void write_resumable(photogate::json::Writer& out, const pipeline::ResumableGrant& resumable) {
    out.begin_object();
    out.name("url");
    out.text(resumable.url);
    out.name("protocols");
    out.begin_array();
    out.text("tus");
    out.text("rufh");
    out.end_array();
    out.name("expires_at");
    out.text(format_rfc3339(resumable.expires_at));
    out.end_object();
}

json optional_time(const std::optional<Timestamp>& at) {
    return at ? json(format_rfc3339(*at)) : json(nullptr);
}

}  // namespace

std::string granted_json(const model::Upload& upload, const pipeline::Grant& grant,
                         const std::string& image_base, notifier::callbacks::Audience audience) {
    auto text = notifier::callbacks::upload_json(upload, image_base, audience);
    photogate::json::Writer out;
    out.begin_object();
    out.name("method");
    out.text(grant.method);
    out.name("url");
    text_or_null(out, grant.url);
    out.name("headers");
    write_pairs(out, grant.headers);
    out.name("fields");
    if (grant.fields.empty()) {
        out.null();
    } else {
        write_pairs(out, grant.fields);
    }
    out.name("client_fields");
    out.begin_array();
    for (const auto& name : grant.client_fields)
        out.text(name);
    out.end_array();
    out.name("expires_at");
    out.text(format_rfc3339(grant.expires_at));
    out.name("curl");
    text_or_null(out, grant.curl);
    if (grant.parts) {
        out.name("parts");
        write_part_grant(out, upload, *grant.parts, image_base);
    }
    if (grant.resumable) {
        out.name("resumable");
        write_resumable(out, *grant.resumable);
    }
    if (!grant.fallbacks.empty()) {
        out.name("fallbacks");
        out.begin_array();
        for (const auto& region : grant.fallbacks)
            out.text(region);
        out.end_array();
    }
    out.end_object();
    const auto granted = out.take();
    text.pop_back();  // its closing brace
    text.reserve(text.size() + granted.size() + 16);
    text += ",\"upload\":";
    text += granted;
    text += '}';
    return text;
}

std::string listed_parts_json(const pipeline::uploads::ListedParts& parts) {
    constexpr std::size_t kMostMissing = pipeline::uploads::kMostPartsSigned;
    std::vector<bool> here(parts.plan.count() + 1, false);
    ByteSize received = 0;
    photogate::json::Writer out;
    out.begin_object();
    out.name("part_size");
    out.number(parts.plan.part_size);
    out.name("count");
    number_or_null(out, count_of(parts.plan));
    out.name("size");
    number_or_null(out, parts.plan.size);
    out.name("data");
    out.begin_array();
    for (const auto& part : parts.there) {
        // One that was cut off is sent again.
        if (!parts.plan.has(part.number, part.size)) continue;
        here[part.number] = true;
        received += part.size;
        out.begin_object();
        out.name("number");
        out.number(part.number);
        out.name("size");
        out.number(part.size);
        out.name("etag");
        out.text(part.etag.str());
        out.end_object();
    }
    out.end_array();
    out.name("received");
    out.number(received);
    out.name("missing");
    out.begin_array();
    std::size_t missing = 0;
    for (std::uint32_t number = 1; number <= count_of(parts.plan) && missing < kMostMissing; ++number) {
        if (here[number]) continue;
        out.number(number);
        ++missing;
    }
    out.end_array();
    out.end_object();
    return out.take();
}

std::string signed_parts_json(const pipeline::uploads::SignedParts& parts) {
    photogate::json::Writer out;
    out.begin_object();
    out.name("data");
    write_parts(out, parts.parts);
    out.name("expires_at");
    out.text(format_rfc3339(parts.expires_at));
    out.end_object();
    return out.take();
}

std::string duplicate_json(const model::Upload& upload, const std::string& image_base,
                           notifier::callbacks::Audience audience) {
    auto text = notifier::callbacks::upload_json(upload, image_base, audience);
    text.back() = ',';  // its closing brace
    return text + R"("upload":null,"deduplicated":true})";
}

std::string batch_json(const std::vector<std::string>& items, std::size_t created, std::size_t refused) {
    std::string text = "{\"data\":[";
    std::size_t size = 64;
    for (const auto& item : items)
        size += item.size() + 1;
    text.reserve(size);
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (i > 0) text += ',';
        text += items[i];
    }
    return text + "],\"created\":" + std::to_string(created) + ",\"refused\":" + std::to_string(refused) +
           "}";
}

std::string page_json(const std::vector<std::string>& items, const std::optional<std::string>& next) {
    std::string text = "{\"data\":[";
    for (std::size_t i = 0; i < items.size(); ++i)
        text += (i > 0 ? "," : "") + items[i];
    return text + "],\"next\":" + (next ? dump(json(*next)) : "null") + "}";
}

std::string timeline_json(const std::vector<storage::records::TimelineEntry>& entries) {
    json data = json::array();
    for (const auto& entry : entries) {
        auto detail = json::parse(entry.detail_json, nullptr, false);
        data.push_back({{"at", format_rfc3339(entry.at)},
                        {"event", entry.event},
                        {"detail", detail.is_object() ? std::move(detail) : json::object()}});
    }
    return dump({{"data", std::move(data)}});
}

std::string callback_details_json(const storage::records::CallbackDetails& details) {
    const auto& callback = details.callback;
    json attempts = json::array();
    for (const auto& attempt : details.attempts) {
        attempts.push_back({{"at", format_rfc3339(attempt.at)},
                            {"status", attempt.status ? json(*attempt.status) : json(nullptr)},
                            {"error", attempt.error.empty() ? json(nullptr) : json(attempt.error)},
                            {"latency_ms", attempt.latency.count()},
                            {"answer", to_valid_utf8(attempt.answer)}});
    }
    return dump({{"id", callback.id.str()},
                 {"type", to_string(callback.type)},
                 {"upload", callback.package ? json(nullptr) : json(callback.upload.str())},
                 {"package", callback.package ? json(callback.package->str()) : json(nullptr)},
                 {"sequence", callback.sequence},
                 {"url", callback.url},
                 {"state", to_string(callback.state)},
                 {"attempts_made", callback.attempts},
                 {"created_at", format_rfc3339(callback.created_at)},
                 {"next_attempt_at", optional_time(callback.next_attempt_at)},
                 {"attempts", std::move(attempts)}});
}

std::string sent_callback_json(const model::Callback& callback) {
    auto body = json::parse(callback.body, nullptr, false);
    return dump({{"id", callback.id.str()},
                 {"type", to_string(callback.type)},
                 {"sequence", callback.sequence},
                 {"state", to_string(callback.state)},
                 {"attempts_made", callback.attempts},
                 {"created_at", format_rfc3339(callback.created_at)},
                 {"body", body.is_object() ? std::move(body) : json(nullptr)}});
}

std::string intake_json(std::size_t received, std::size_t passed_over, std::size_t quarantined) {
    return dump({{"received", received}, {"passed_over", passed_over}, {"quarantined", quarantined}});
}

std::string replayed_json(std::size_t count, const std::optional<std::string>& next) {
    return dump({{"replayed", count}, {"next", next ? json(*next) : json(nullptr)}});
}

std::string endpoint_json(const model::CallbackEndpoint& endpoint) {
    return dump({{"app", endpoint.key.app.str()},
                 {"url", endpoint.key.url},
                 {"state", to_string(endpoint.state)},
                 {"failures", endpoint.failures},
                 {"failing_since", optional_time(endpoint.failing_since)},
                 {"last_attempt_at", optional_time(endpoint.last_at)},
                 {"last_status", endpoint.last_status ? json(*endpoint.last_status) : json(nullptr)},
                 {"last_error", endpoint.last_error.empty() ? json(nullptr) : json(endpoint.last_error)},
                 {"next_probe_at", optional_time(endpoint.probe_at)},
                 {"paused_at", optional_time(endpoint.paused_at)},
                 {"waiting", endpoint.waiting}});
}

std::string resumed_json(std::size_t count) {
    return dump({{"resumed", count}});
}

std::string feed_json(const storage::records::FeedPage& page, const std::string& next) {
    std::string text = "{\"data\":[";
    for (const auto& callback : page.callbacks) {
        if (text.back() != '[') text += ',';
        text += callback.body.empty() ? dump({{"type", to_string(callback.type)},
                                              {"id", callback.id.str()},
                                              {"timestamp", format_rfc3339(callback.created_at)},
                                              {"data", nullptr}})
                                      : callback.body;
    }
    return text + "],\"next\":" + dump(json(next)) + ",\"more\":" + (page.more ? "true" : "false") + "}";
}

}  // namespace photogate::gateway::routes
