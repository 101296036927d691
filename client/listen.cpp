#include "client/listen.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <ostream>
#include <set>
#include <thread>

#include <fmt/format.h>

#include "base/file.hpp"
#include "base/json/writer.hpp"
#include "client/json_text.hpp"
#include "client/pages.hpp"
#include "client/print.hpp"
#include "signer/digest.hpp"
#include "signer/webhook_signature.hpp"

namespace photogate::client {
namespace {

constexpr std::chrono::seconds kLongestPause{10};
constexpr std::chrono::milliseconds kNap{50};

/// What the file holds.
struct Place {
    std::string cursor;           ///< `next` of the last page that is done with; empty: the oldest event
    std::set<std::string> ahead;  ///< ids of the page behind it that are done with
    std::string secret;
};

Result<std::optional<Place>> read_place(const std::filesystem::path& file) {
    std::ifstream stream{file, std::ios::binary};
    if (!stream) return std::optional<Place>{};
    const std::string text{std::istreambuf_iterator<char>{stream}, {}};
    const auto value = json::read(text);
    if (!value || value->find("cursor") == nullptr) {
        return fail(
            ErrorCode::file_error,
            fmt::format("{} is no state of `photogate listen`: remove it to begin anew", file.string()));
    }
    Place place{text_at(*value, "cursor"), {}, text_at(*value, "secret")};
    for (const auto& id : array_at(*value, "ahead")) {
        if (id.text() != nullptr) place.ahead.insert(*id.text());
    }
    return std::optional{std::move(place)};
}

Result<> write_place(const std::filesystem::path& file, const Place& place) {
    json::Writer text;
    text.begin_object();
    text.name("cursor");
    text.text(place.cursor);
    text.name("ahead");
    text.begin_array();
    for (const auto& id : place.ahead)
        text.text(id);
    text.end_array();
    text.name("secret");
    text.text(place.secret);
    text.end_object();
    return write_private_file(file, text.take() + "\n");
}

std::string new_secret(Random& random) {
    std::array<std::byte, 32> bytes{};
    random.fill(bytes);
    return "whsec_" + base64({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

/// Whether another call can end otherwise. A key that is refused stays refused.
bool passes(const Error& error) {
    return is_retryable(error.code);
}

class Listener {
  public:
    Listener(const GatewayApi& api, const Listening& what, const ListenTools& tools, const Output& output,
             Place place, signer::WebhookSecret secret)
        : api_(api),
          what_(what),
          tools_(tools),
          output_(output),
          place_(std::move(place)),
          secret_(std::move(secret)) {}

    /// Passes over everything that there is.
    Result<> skip_to_now() {
        while (!tools_.stop) {
            const auto page = next_page(200);
            if (!page) return fail(page.error());
            place_.cursor = text_at(page->value, "next");
            if (text_at(page->value, "more") != "true") break;
        }
        return keep();
    }

    Result<> run() {
        while (!tools_.stop) {
            const auto page = next_page(50);
            if (!page) {
                if (page.error().code == ErrorCode::invalid_cursor && !place_.cursor.empty()) {
                    output_.err
                        << "photogate: the gateway no longer keeps what follows the last event that was "
                           "forwarded; going on with the oldest that it keeps\n"
                        << std::flush;
                    place_.cursor.clear();
                    continue;
                }
                if (!passes(page.error())) return fail(page.error());
                complain(page.error());
                pause(page.error().retry_after);
                continue;
            }
            recovered();
            if (const auto done = forward_all(*page); !done) return fail(done.error());
            if (tools_.stop) break;
            if (const auto next = text_at(page->value, "next"); !next.empty() && next != place_.cursor) {
                place_.cursor = next;
                place_.ahead.clear();
                if (const auto kept = keep(); !kept) return fail(kept.error());
            }
            if (text_at(page->value, "more") != "true") sleep(what_.interval);
        }
        return {};
    }

  private:
    Result<Answer> next_page(int limit) const {
        Query query{{"limit", fmt::format("{}", limit)}};
        if (!place_.cursor.empty()) query.emplace_back("after", place_.cursor);
        if (!what_.app.empty()) query.emplace_back("app", what_.app);
        return api_.get("/v1/events", query);
    }

    Result<> keep() const { return write_place(what_.kept, place_); }

    Result<> forward_all(const Answer& page) {
        const auto& events = array_at(page.value, "data");
        const auto bodies = elements_of(page.text, "data");
        for (std::size_t i = 0; i < std::min(events.size(), bodies.size()) && !tools_.stop; ++i) {
            const auto id = text_at(events[i], "id");
            const auto type = text_at(events[i], "type");
            const bool wanted = what_.types.empty() ||
                                std::find(what_.types.begin(), what_.types.end(), type) != what_.types.end();
            if (!wanted || place_.ahead.contains(id)) continue;
            if (!forward(events[i], bodies[i])) return {};
            place_.ahead.insert(id);
            if (const auto kept = keep(); !kept) return fail(kept.error());
        }
        return {};
    }

    /// False: it was stopped before.
    bool forward(const json::Value& event, std::string_view body) {
        const auto id = text_at(event, "id");
        while (!tools_.stop) {
            const auto now = tools_.clock.now();
            storage::http::Request request;
            request.method = "POST";
            request.url = what_.forward;
            request.body = std::string{body};
            request.headers = {
                {"Content-Type", "application/json"},
                {"webhook-id", id},
                {"webhook-timestamp",
                 fmt::format("{}", std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count())},
                {"webhook-signature", signer::sign_webhook(id, now, body, std::span{&secret_, 1})}};
            request.first_byte_timeout = std::chrono::seconds{15};
            request.max_response_body = 16U << 10;
            request.cut_long_body = true;
            const auto answer = api_.http().send(request);
            if (answer) {
                recovered();
                report(event, answer->status,
                       std::chrono::duration_cast<std::chrono::milliseconds>(answer->elapsed));
                return true;
            }
            auto error = answer.error();
            error.detail = fmt::format("{} can't be reached: {}", what_.forward, error.detail);
            complain(error);
            pause(std::nullopt);
        }
        return false;
    }

    void report(const json::Value& event, int status, std::chrono::milliseconds took) {
        const auto* data = event.find("data");
        const auto about =
            data != nullptr && data->object() != nullptr ? text_at(*data, "id") : std::string{};
        if (output_.format == Format::json) {
            json::Writer line;
            line.begin_object();
            const std::pair<const char*, std::string> texts[] = {
                {"id", text_at(event, "id")}, {"type", text_at(event, "type")}, {"about", about}};
            for (const auto& [name, value] : texts) {
                line.any_name(name);
                value.empty() ? line.null() : line.text(value);
            }
            line.name("status");
            line.number(static_cast<std::uint64_t>(status));
            line.name("milliseconds");
            line.number(static_cast<std::uint64_t>(took.count()));
            line.end_object();
            output_.out << line.take() << '\n' << std::flush;
            return;
        }
        output_.out << fmt::format("{}  {:<16}  {}  {}  {} in {} ms\n",
                                   time_text(format_rfc3339(tools_.clock.now())),
                                   printable(text_at(event, "type")), about.empty() ? "-" : printable(about),
                                   printable(text_at(event, "id")), status, took.count())
                    << std::flush;
    }

    /// Once for each fault, not for each attempt.
    void complain(const Error& error) {
        if (error.detail == complained_of_) return;
        complained_of_ = error.detail;
        output_.err << "photogate: " << printable(error.detail) << "; trying again\n" << std::flush;
    }

    void recovered() {
        complained_of_.clear();
        pause_ = what_.interval;
    }

    void pause(std::optional<std::chrono::seconds> asked) {
        sleep(std::max<std::chrono::milliseconds>(pause_, asked.value_or(std::chrono::seconds{0})));
        pause_ = std::min<std::chrono::milliseconds>(pause_ * 2, kLongestPause);
    }

    void sleep(std::chrono::milliseconds time) const {
        const auto until = std::chrono::steady_clock::now() + time;
        while (!tools_.stop && std::chrono::steady_clock::now() < until)
            std::this_thread::sleep_for(kNap);
    }

    const GatewayApi& api_;
    const Listening& what_;
    const ListenTools& tools_;
    const Output& output_;
    Place place_;
    signer::WebhookSecret secret_;
    std::string complained_of_;
    std::chrono::milliseconds pause_ = what_.interval;
};

}  // namespace

std::filesystem::path listening_file(const std::filesystem::path& folder, const GatewayApi& api,
                                     const Listening& what) {
    const auto identity = fmt::format("{}\n{}\n{}\n{}", api.endpoint().origin(),
                                      hex_lower(signer::sha256(api.key().reveal())), what.app, what.forward);
    return folder / fmt::format("listen-{}.json", hex_lower(signer::sha256(identity)).substr(0, 16));
}

Outcome listen(const GatewayApi& api, Listening what, const ListenTools& tools, const Output& output) {
    std::error_code refused;
    if (what.kept.has_parent_path()) std::filesystem::create_directories(what.kept.parent_path(), refused);
    auto kept = read_place(what.kept);
    if (!kept) return failed(output, kept.error());
    const bool first = !kept->has_value();
    auto place = kept->value_or(Place{});
    const bool given = !what.secret.empty();
    if (!given) {
        if (place.secret.empty()) place.secret = new_secret(tools.random);
        what.secret = Secret{place.secret};
    }
    auto secret = signer::WebhookSecret::parse(what.secret);
    if (!secret) return failed(output, secret.error());
    Listener listener{api, what, tools, output, std::move(place), std::move(*secret)};
    if (first && what.begin == Begin::now) {
        if (const auto skipped = listener.skip_to_now(); !skipped) return failed(output, skipped.error());
    }
    output.err << fmt::format("photogate: forwarding {} of {} to {}; Ctrl-C ends it\n",
                              first ? (what.begin == Begin::now ? "what happens from now on" : "all events")
                                    : "what follows the last event that was forwarded",
                              api.endpoint().origin(), what.forward);
    if (!given)
        output.err << fmt::format("photogate: your app server verifies with {}\n", what.secret.reveal());
    output.err << std::flush;
    if (const auto ended = listener.run(); !ended) return failed(output, ended.error());
    return std::nullopt;
}

}  // namespace photogate::client
