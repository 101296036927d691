#include "client/pages.hpp"

#include <algorithm>
#include <ostream>

#include <fmt/format.h>

#include "client/json_text.hpp"
#include "client/print.hpp"

namespace photogate::client {
namespace {

constexpr std::size_t kLongestPage = 200;

}  // namespace

Result<> for_each_of(const GatewayApi& api, const std::string& path, Query query, std::size_t limit,
                     const std::function<void(const json::Value&, std::string_view)>& each) {
    std::size_t given = 0;
    std::string cursor;
    while (true) {
        auto page_query = query;
        const auto wanted = limit == 0 ? kLongestPage : std::min(kLongestPage, limit - given);
        page_query.emplace_back("limit", fmt::format("{}", wanted));
        if (!cursor.empty()) page_query.emplace_back("cursor", cursor);
        const auto page = api.get(path, page_query);
        if (!page) return fail(page.error());
        const auto& values = array_at(page->value, "data");
        const auto texts = elements_of(page->text, "data");
        for (std::size_t i = 0; i < std::min(values.size(), texts.size()); ++i) {
            each(values[i], texts[i]);
            if (++given == limit) return {};
        }
        cursor = text_at(page->value, "next");
        if (cursor.empty() || values.empty()) return {};
    }
}

Outcome failed(const Output& output, const Error& error) {
    output.err << "photogate: " << printable(error.detail) << '\n';
    return error.code;
}

Outcome for_each_id(const std::vector<std::string>& ids, const Output& output,
                    const std::function<Result<>(const std::string&)>& call) {
    Outcome outcome;
    for (const auto& id : ids) {
        const auto done = call(id);
        if (done) continue;
        output.err << "photogate: " << printable(id) << ": " << printable(done.error().detail) << '\n';
        if (!outcome) outcome = done.error().code;
    }
    return outcome;
}

}  // namespace photogate::client
