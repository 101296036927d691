#include <algorithm>
#include <string_view>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/error_code.hpp"
#include "gateway/routes/error_page.hpp"
#include "web/pages.hpp"

namespace photogate::gateway::routes {
namespace {

using nlohmann::ordered_json;

constexpr std::string_view kHead = R"(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>photogate error codes</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/assets/style.css">
</head>
<body>
<a class="skip" href="#main">Skip to the codes</a>
<header><h1>Error codes</h1>
<p>Every error response is <code>application/problem+json</code> (RFC 9457): its <code>type</code> leads to this page, and programs branch on its <code>code</code>.
Show a person the sentence of the last row, not the code. <a href="/docs">API reference</a></p>
<nav aria-label="Parts"><ul><li><a href="#errors">Responses</a></li><li><a href="#rejections">Rejected and failed uploads</a></li></ul></nav></header>
<main id="main" tabindex="-1">
)";

std::string escape(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        switch (c) {
            case '&':
                escaped += "&amp;";
                break;
            case '<':
                escaped += "&lt;";
                break;
            case '>':
                escaped += "&gt;";
                break;
            case '"':
                escaped += "&quot;";
                break;
            default:
                escaped += c;
        }
    }
    return escaped;
}

/// Text between backticks is code.
std::string prose(std::string_view text) {
    std::string html;
    bool code = false;
    for (std::size_t at = 0; at <= text.size();) {
        const auto end = std::min(text.find('`', at), text.size());
        html += (code ? "<code>" : "") + escape(text.substr(at, end - at)) + (code ? "</code>" : "");
        code = !code;
        at = end + 1;
    }
    return html;
}

std::string sentence(const ordered_json& table, std::string_view code, const char* which) {
    const auto found = table.find(code);
    return found == table.end() ? std::string{} : found->value(which, std::string{});
}

std::string section(std::string_view anchor, std::string_view code, std::string_view title,
                    const std::string& facts) {
    return fmt::format(
        "<section class=\"operation\" id=\"{}\"><h3><code>{}</code> {}</h3><dl "
        "class=\"facts\">{}</dl></section>\n",
        anchor, code, escape(title), facts);
}

std::string advice(const ordered_json& table, std::string_view code) {
    return fmt::format("<dt>What to do</dt><dd>{}</dd><dt>Tell a person</dt><dd>{}</dd>",
                       prose(sentence(table, code, "do")), prose(sentence(table, code, "say")));
}

std::string error_sections(const ordered_json& words) {
    std::string html;
    for (const ErrorCode code : {
#define PHOTOGATE_LISTED(code, status, retry, title) ErrorCode::code,
             PHOTOGATE_PUBLIC_ERROR_CODES(PHOTOGATE_LISTED)
#undef PHOTOGATE_LISTED
         }) {
        const auto facts =
            fmt::format("<dt>Status</dt><dd>{}</dd><dt>The same call again</dt><dd>{}</dd>",
                        http_status(code), is_retryable(code) ? "may succeed later" : "fails again");
        html +=
            section(to_string(code), to_string(code), title(code), facts + advice(words, to_string(code)));
    }
    return html;
}

std::string rejection_sections(const ordered_json& words) {
    std::string html;
    for (const auto& [code, entry] : words.items())
        html += section("rejection-" + code, code, sentence(words, code, "title"), advice(words, code));
    return html;
}

}  // namespace

std::string error_page() {
    const auto file = web::find_page("words.json");
    const auto words = ordered_json::parse(file.value_or("{}"));
    return std::string{kHead} + "<h2 id=\"errors\">Codes of responses</h2>\n" +
           error_sections(words.value("errors", ordered_json::object())) +
           "<h2 id=\"rejections\">Codes of rejected and failed uploads</h2>\n"
           "<p>They are in <code>rejection.code</code> of an upload and of its callbacks. An upload that "
           "failed has an "
           "internal code of the operator's log there.</p>\n" +
           rejection_sections(words.value("rejections", ordered_json::object())) +
           "</main>\n</body>\n</html>\n";
}

}  // namespace photogate::gateway::routes
