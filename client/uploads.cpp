#include "client/uploads.hpp"

#include <algorithm>
#include <ostream>

#include <fmt/format.h>

#include "client/json_text.hpp"
#include "client/pages.hpp"
#include "client/print.hpp"

namespace photogate::client {
namespace {

std::string upload_path(const std::string& id) {
    return "/v1/uploads/" + segment(id);
}

/// One fact a line, its value printable.
class Facts {
  public:
    explicit Facts(std::ostream& out) : out_(out) {}
    void add(std::string_view name, std::string_view value) {
        if (!value.empty()) out_ << fmt::format("{:<16}  {}\n", name, printable(value));
    }

  private:
    std::ostream& out_;
};

std::string image_text(const json::Value& image) {
    return fmt::format("{}  ({} × {}, {}, {})", text_at(image, "url"), text_at(image, "width"),
                       text_at(image, "height"), text_at(image, "format"),
                       size_text(integer_at(image, "size")));
}

std::string words_of(const json::Value& object, std::string_view name) {
    std::string words;
    for (const auto& word : array_at(object, name)) {
        if (word.text() != nullptr) words += (words.empty() ? "" : ", ") + *word.text();
    }
    return words;
}

void print_upload(const json::Value& upload, std::ostream& out) {
    Facts facts{out};
    for (const auto* name : {"id", "app", "state", "profile", "method", "filename"})
        facts.add(name, text_at(upload, name));
    if (const auto* rejection = upload.find("rejection"); rejection != nullptr && !rejection->is_null())
        facts.add("rejection",
                  fmt::format("{}: {}", text_at(*rejection, "code"), text_at(*rejection, "detail")));
    facts.add("size", size_text(integer_at(upload, "size")));
    auto type = text_at(upload, "content_type");
    if (const auto width = text_at(upload, "width"); !width.empty())
        type += fmt::format(", {} × {}", width, text_at(upload, "height"));
    facts.add("original", type);
    facts.add("sha256", text_at(upload, "sha256"));
    for (const auto* name : {"created_at", "expires_at", "received_at", "finished_at"})
        facts.add(name, time_text(text_at(upload, name)));
    if (const auto* image = upload.find("image"); image != nullptr && image->object() != nullptr)
        facts.add("image", image_text(*image));
    for (const auto& variant : array_at(upload, "variants"))
        facts.add("variant", fmt::format("{}: {}", text_at(variant, "name"), image_text(variant)));
    if (const auto* privacy = upload.find("privacy"); privacy != nullptr && privacy->object() != nullptr)
        facts.add("metadata removed", words_of(*privacy, "metadata_found"));
    for (const auto* name : {"metadata", "client_metadata"}) {
        const auto* pairs = upload.find(name);
        if (pairs == nullptr || pairs->object() == nullptr) continue;
        for (const auto& [key, value] : *pairs->object())
            facts.add(name, fmt::format("{} = {}", key, value.text() != nullptr ? *value.text() : ""));
    }
}

/// `by=event, attempt=2`; what is nested is left to --json.
std::string detail_text(const json::Value& event) {
    const auto* detail = event.find("detail");
    std::string text;
    if (detail == nullptr || detail->object() == nullptr) return text;
    for (const auto& member : *detail->object()) {
        const auto value = text_at(*detail, member.first);
        if (!value.empty()) text += fmt::format("{}{}={}", text.empty() ? "" : ", ", member.first, value);
    }
    return text;
}

/// The state of each upload that a call answers with.
Outcome call_on(const std::vector<std::string>& ids, const Output& output,
                const std::function<Result<Answer>(const std::string&)>& call) {
    return for_each_id(ids, output, [&](const std::string& id) -> Result<> {
        const auto answer = call(id);
        if (!answer) return fail(answer.error());
        if (output.format == Format::json) {
            output.out << answer->text << '\n';
        } else {
            output.out << fmt::format("{}  {}{}\n", printable(text_at(answer->value, "id")),
                                      printable(text_at(answer->value, "state")),
                                      answer->status == 202 ? ", the removal continues" : "");
        }
        return {};
    });
}

}  // namespace

Outcome list_uploads(const GatewayApi& api, const UploadFilter& filter, const Output& output) {
    Query query;
    const std::pair<const char*, const std::string&> plain[] = {{"app", filter.app},
                                                                {"state", filter.state},
                                                                {"profile", filter.profile},
                                                                {"created_after", filter.created_after},
                                                                {"similar_to", filter.similar_to}};
    for (const auto& [name, value] : plain) {
        if (!value.empty()) query.emplace_back(name, value);
    }
    for (const auto& [name, value] : filter.metadata)
        query.emplace_back("metadata." + name, value);
    Table table{{"ID", "STATE", "PROFILE", "SIZE", "CREATED (UTC)", "FILENAME"}};
    const auto done =
        for_each_of(api, "/v1/uploads", std::move(query), filter.limit,
                    [&](const json::Value& upload, std::string_view sent) {
                        if (output.format == Format::json) {
                            output.out << sent << '\n';
                            return;
                        }
                        table.add({text_at(upload, "id"), text_at(upload, "state"),
                                   text_at(upload, "profile"), size_text(integer_at(upload, "size")),
                                   time_text(text_at(upload, "created_at")), text_at(upload, "filename")});
                    });
    if (output.format == Format::people) table.print(output.out);
    if (!done) return failed(output, done.error());
    return std::nullopt;
}

Outcome show_uploads(const GatewayApi& api, const std::vector<std::string>& ids, const Output& output) {
    bool first = true;
    return for_each_id(ids, output, [&](const std::string& id) -> Result<> {
        const auto upload = api.get(upload_path(id));
        if (!upload) return fail(upload.error());
        if (output.format == Format::json) {
            output.out << upload->text << '\n';
            return {};
        }
        if (!std::exchange(first, false)) output.out << '\n';
        print_upload(upload->value, output.out);
        return {};
    });
}

Outcome show_timeline(const GatewayApi& api, const std::string& id, const Output& output) {
    const auto timeline = api.get(upload_path(id) + "/timeline");
    if (!timeline) return failed(output, timeline.error());
    if (output.format == Format::json) {
        for (const auto sent : elements_of(timeline->text, "data"))
            output.out << sent << '\n';
        return std::nullopt;
    }
    Table table{{"AT (UTC)", "EVENT", "DETAIL"}};
    for (const auto& event : array_at(timeline->value, "data"))
        table.add({text_at(event, "at"), text_at(event, "event"), detail_text(event)});
    table.print(output.out);
    return std::nullopt;
}

Outcome retry_uploads(const GatewayApi& api, const std::vector<std::string>& ids, const Output& output) {
    return call_on(ids, output, [&](const std::string& id) { return api.post(upload_path(id) + "/retry"); });
}

Outcome delete_uploads(const GatewayApi& api, const std::vector<std::string>& ids, const Output& output) {
    return call_on(ids, output, [&](const std::string& id) { return api.remove(upload_path(id)); });
}

}  // namespace photogate::client
