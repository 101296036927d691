#include "client/callbacks.hpp"

#include <ostream>

#include <fmt/format.h>

#include "base/json/writer.hpp"
#include "client/json_text.hpp"
#include "client/pages.hpp"
#include "client/print.hpp"

namespace photogate::client {
namespace {

std::string callback_path(const std::string& id) {
    return "/v1/callbacks/" + segment(id);
}

std::string subject_of(const json::Value& callback) {
    const auto upload = text_at(callback, "upload");
    return upload.empty() ? text_at(callback, "package") : upload;
}

std::string outcome_of(const json::Value& attempt) {
    const auto status = text_at(attempt, "status");
    return status.empty() ? text_at(attempt, "error") : status;
}

void print_callback(const json::Value& callback, std::ostream& out) {
    for (const auto* name : {"id", "type", "upload", "package", "sequence", "url", "state", "attempts_made",
                             "created_at", "next_attempt_at"}) {
        if (const auto value = text_at(callback, name); !value.empty())
            out << fmt::format("{:<16}  {}\n", name, printable(value));
    }
    if (array_at(callback, "attempts").empty()) return;
    out << '\n';
    Table table{{"ATTEMPT (UTC)", "RESULT", "TIME", "ANSWER"}};
    for (const auto& attempt : array_at(callback, "attempts"))
        table.add({text_at(attempt, "at"), outcome_of(attempt),
                   fmt::format("{} ms", text_at(attempt, "latency_ms")),
                   text_at(attempt, "answer").substr(0, 200)});
    table.print(out);
}

std::string body_of(const ReplayRange& range, const std::string& cursor) {
    json::Writer body;
    body.begin_object();
    const std::pair<const char*, const std::string&> members[] = {
        {"app", range.app},   {"since", range.since}, {"until", range.until}, {"state", range.state},
        {"type", range.type}, {"url", range.url},     {"cursor", cursor}};
    for (const auto& [name, value] : members) {
        if (value.empty()) continue;
        body.any_name(name);
        body.text(value);
    }
    body.end_object();
    return body.take();
}

}  // namespace

Outcome list_callbacks(const GatewayApi& api, const CallbackFilter& filter, const Output& output) {
    Query query;
    const std::pair<const char*, const std::string&> members[] = {
        {"app", filter.app}, {"state", filter.state}, {"upload", filter.upload}, {"package", filter.package}};
    for (const auto& [name, value] : members) {
        if (!value.empty()) query.emplace_back(name, value);
    }
    Table table{{"ID", "TYPE", "STATE", "TRIES", "LAST", "CREATED (UTC)", "ABOUT"}};
    const auto done =
        for_each_of(api, "/v1/callbacks", std::move(query), filter.limit,
                    [&](const json::Value& callback, std::string_view sent) {
                        if (output.format == Format::json) {
                            output.out << sent << '\n';
                            return;
                        }
                        const auto& attempts = array_at(callback, "attempts");
                        table.add({text_at(callback, "id"), text_at(callback, "type"),
                                   text_at(callback, "state"), text_at(callback, "attempts_made"),
                                   attempts.empty() ? std::string{} : outcome_of(attempts.front()),
                                   time_text(text_at(callback, "created_at")), subject_of(callback)});
                    });
    if (output.format == Format::people) table.print(output.out);
    if (!done) return failed(output, done.error());
    return std::nullopt;
}

Outcome show_callbacks(const GatewayApi& api, const std::vector<std::string>& ids, const Output& output) {
    bool first = true;
    return for_each_id(ids, output, [&](const std::string& id) -> Result<> {
        const auto callback = api.get(callback_path(id));
        if (!callback) return fail(callback.error());
        if (output.format == Format::json) {
            output.out << callback->text << '\n';
            return {};
        }
        if (!std::exchange(first, false)) output.out << '\n';
        print_callback(callback->value, output.out);
        return {};
    });
}

Outcome replay_callbacks(const GatewayApi& api, const std::vector<std::string>& ids, const Output& output) {
    return for_each_id(ids, output, [&](const std::string& id) -> Result<> {
        const auto answer = api.post(callback_path(id) + "/replay");
        if (!answer) return fail(answer.error());
        if (output.format == Format::json) {
            output.out << answer->text << '\n';
        } else {
            output.out << printable(id) << "  due now\n";
        }
        return {};
    });
}

Outcome replay_range(const GatewayApi& api, const ReplayRange& range, const Output& output) {
    std::string cursor;
    std::int64_t replayed = 0;
    do {
        const auto answer = api.post("/v1/callbacks/replay", body_of(range, cursor));
        if (!answer) {
            if (replayed > 0) output.err << fmt::format("photogate: {} were replayed before\n", replayed);
            return failed(output, answer.error());
        }
        replayed += integer_at(answer->value, "replayed").value_or(0);
        cursor = text_at(answer->value, "next");
    } while (!cursor.empty());
    if (output.format == Format::json) {
        output.out << fmt::format("{{\"replayed\":{}}}\n", replayed);
    } else {
        output.out << fmt::format("{} callback{} due now\n", replayed, replayed == 1 ? " is" : "s are");
    }
    return std::nullopt;
}

}  // namespace photogate::client
