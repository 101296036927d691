#include "client/file_upload.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "base/json/writer.hpp"
#include "client/files.hpp"
#include "client/json_text.hpp"

namespace photogate::client {
namespace {

using storage::http::Request;
using storage::http::Response;
using Steady = std::chrono::steady_clock;

/// From here on parts are worth their calls.
constexpr std::uint64_t kLargeFile = 100'000'000;
/// A store may move bytes before it answers, a gateway joins what has arrived.
constexpr std::chrono::seconds kAnswerTime{120};
/// A store may list a part later than it took it, but not many times over.
constexpr int kFruitlessRounds = 3;

enum class Fate { arrived, again, final };

/// What a store's or a resumable URL's status means.
Fate fate_of(int status) {
    if (status >= 200 && status < 300) return Fate::arrived;
    return status >= 500 || status == 408 || status == 425 || status == 429 ? Fate::again : Fate::final;
}

bool worth_another_try(const Error& error) {
    return is_retryable(error.code);
}

/// `<Code>` and `<Message>` of a store's answer, or its beginning.
std::string words_of_store(const std::string& body) {
    const auto inside = [&](std::string_view tag) -> std::string {
        const auto begin = body.find(fmt::format("<{}>", tag));
        if (begin == std::string::npos) return {};
        const auto from = begin + tag.size() + 2;
        const auto end = body.find('<', from);
        return end == std::string::npos ? std::string{} : body.substr(from, end - from);
    };
    const auto code = inside("Code");
    return code.empty() ? body.substr(0, 200) : fmt::format("{}: {}", code, inside("Message"));
}

Error refused_by_store(const Response& response) {
    return Error{
        fate_of(response.status) == Fate::again ? ErrorCode::store_unavailable : ErrorCode::store_refused,
        fmt::format("the store answered {}: {}", response.status, words_of_store(response.body)),
        {},
        std::nullopt};
}

std::vector<std::pair<std::string, std::string>> pairs_of(const json::Value& object, std::string_view name) {
    std::vector<std::pair<std::string, std::string>> pairs;
    const auto* member = object.find(name);
    if (member == nullptr || member->object() == nullptr) return pairs;
    for (const auto& [key, value] : *member->object()) {
        if (value.text() != nullptr) pairs.emplace_back(key, *value.text());
    }
    return pairs;
}

Request request_of(const json::Value& grant, const GatewayApi& api) {
    Request request;
    request.method = text_at(grant, "method");
    request.url = api.absolute(text_at(grant, "url"));
    for (auto& [name, value] : pairs_of(grant, "headers"))
        request.headers.push_back({std::move(name), std::move(value)});
    request.first_byte_timeout = kAnswerTime;
    return request;
}

bool is_final(std::string_view state) {
    return state != "created" && state != "uploaded" && state != "processing";
}

UploadedFile file_of(const json::Value& upload) {
    UploadedFile file{text_at(upload, "id"), text_at(upload, "state"), {}, {}};
    if (const auto* image = upload.find("image"); image != nullptr && image->object() != nullptr)
        file.image_url = text_at(*image, "url");
    if (const auto* why = upload.find("rejection"); why != nullptr && why->object() != nullptr)
        file.why = fmt::format("{}: {}", text_at(*why, "code"), text_at(*why, "detail"));
    return file;
}

}  // namespace

/// Waits between attempts, longer each time, until nothing has gone forward for too long.
class FileUpload::Patience {
  public:
    explicit Patience(std::chrono::seconds longest) : longest_(longest) {}

    void went_forward() {
        since_ = Steady::now();
        pause_ = kShortest;
    }
    /// False: it is over.
    bool wait(std::optional<std::chrono::seconds> asked) {
        const auto left = longest_ - (Steady::now() - since_);
        if (left <= Steady::duration::zero()) return false;
        auto pause = std::chrono::duration_cast<Steady::duration>(pause_);
        if (asked) pause = std::max(pause, std::chrono::duration_cast<Steady::duration>(*asked));
        std::this_thread::sleep_for(std::min(pause, left));
        pause_ = std::min(pause_ * 2, kLongest);
        return true;
    }

  private:
    static constexpr std::chrono::milliseconds kShortest{200};
    static constexpr std::chrono::milliseconds kLongest{5'000};
    std::chrono::seconds longest_;
    Steady::time_point since_ = Steady::now();
    std::chrono::milliseconds pause_ = kShortest;
};

std::string FileUpload::path() const {
    return "/v1/uploads/" + segment(id_);
}

std::string FileUpload::hex_of_chance() {
    std::array<std::byte, 16> bytes{};
    random_.fill(bytes);
    return hex_lower({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
}

Result<Answer> FileUpload::create_as(const std::string& method, const std::filesystem::path& file,
                                     std::uint64_t size, const std::string& sha256) {
    json::Writer body;
    body.begin_object();
    const auto type = sending_.content_type.empty() ? media_type_of(file) : sending_.content_type;
    const std::pair<const char*, std::string> texts[] = {{"profile", sending_.profile},
                                                         {"method", method},
                                                         {"filename", file.filename().string()},
                                                         {"content_type", type}};
    for (const auto& [name, value] : texts) {
        if (value.empty()) continue;
        body.any_name(name);
        body.text(value);
    }
    body.name("size");
    body.number(size);
    body.name("checksum");
    body.begin_object();
    body.name("algorithm");
    body.text("sha256");
    body.name("value");
    body.text(sha256);
    body.end_object();
    if (!sending_.metadata.empty()) {
        body.name("metadata");
        body.begin_object();
        for (const auto& [name, value] : sending_.metadata) {
            body.any_name(name);
            body.text(value);
        }
        body.end_object();
    }
    body.end_object();
    const auto text = body.take();
    const auto idempotency_key = hex_of_chance();
    Patience patience{sending_.patience};
    while (true) {
        auto created = api_.post("/v1/uploads", text, idempotency_key);
        if (created || !worth_another_try(created.error()) || !patience.wait(created.error().retry_after))
            return created;
    }
}

Result<Answer> FileUpload::create(const std::filesystem::path& file, std::uint64_t size) {
    const auto sha256 = sha256_of(*file_);
    if (!sha256) return fail(sha256.error());
    if (sending_.way == Way::form) return create_as("post", file, size, *sha256);
    if (sending_.way == Way::multipart) return create_as("multipart", file, size, *sha256);
    if (sending_.way == Way::automatic && size > kLargeFile) {
        auto created = create_as("multipart", file, size, *sha256);
        if (created || created.error().code != ErrorCode::method_not_offered) return created;
    }
    return create_as("put", file, size, *sha256);
}

Result<UploadedFile> FileUpload::run(const std::filesystem::path& file) {
    std::error_code unknown;
    const auto kind = std::filesystem::status(file, unknown).type();
    if (kind == std::filesystem::file_type::not_found)
        return fail(ErrorCode::file_error, "there is no such file");
    if (kind != std::filesystem::file_type::regular)
        return fail(ErrorCode::file_error, unknown ? unknown.message() : "is not a regular file");
    const auto source = storage::http::FileSource::open(file);
    if (!source) return fail(source.error());
    if (source->size() == 0) return fail(ErrorCode::file_error, "is empty");
    file_ = &*source;
    const auto created = create(file, source->size());
    if (!created) return fail(created.error());
    id_ = text_at(created->value, "id");
    if (id_.empty()) return fail(ErrorCode::store_protocol, "the gateway's answer has no id of an upload");
    if (const auto sent = send(created->value); !sent) return fail(sent.error());
    sent_ = source->size();
    return completed();
}

FileUpload::Step FileUpload::send(const json::Value& created) {
    const auto* grant = created.find("upload");
    if (grant == nullptr || grant->object() == nullptr)
        return fail(ErrorCode::store_protocol, "the gateway's answer does not say where to send the file");
    if (grant->find("parts") != nullptr) return send_parts(*grant);
    if (sending_.way == Way::form) return send_form(*grant);
    const auto* resumable = grant->find("resumable");
    const auto url = resumable != nullptr ? text_at(*resumable, "url") : std::string{};
    if (sending_.way != Way::resumable) return send_put(*grant);
    if (url.empty()) return fail(ErrorCode::method_not_offered, "the gateway offers no resumable URL");
    return send_resumable(api_.absolute(url));
}

FileUpload::Step FileUpload::send_put(const json::Value& grant) {
    const auto* resumable = grant.find("resumable");
    const auto url = resumable != nullptr ? text_at(*resumable, "url") : std::string{};
    const bool can_resume = sending_.way == Way::automatic && !url.empty();
    Patience patience{sending_.patience};
    auto request = request_of(grant, api_);
    bool renewed = false;
    while (true) {
        const CountedSource body{*file_, 0, file_->size(), sent_};
        request.source = &body;
        const auto response = api_.http().send(request);
        Error error;
        if (response) {
            if (fate_of(response->status) == Fate::arrived || response->status == 412) return {};
            error = refused_by_store(*response);
            if (response->status == 403 && !std::exchange(renewed, true)) {
                // Too late for the grant's clock, perhaps: a new signature for the same object.
                const auto signed_anew = api_.post(path() + "/sign");
                const auto* fresh = signed_anew ? signed_anew->value.find("upload") : nullptr;
                if (fresh == nullptr || fresh->object() == nullptr) return fail(std::move(error));
                request = request_of(*fresh, api_);
                continue;
            }
        } else {
            error = response.error();
        }
        if (!worth_another_try(error)) return fail(std::move(error));
        if (can_resume) return send_resumable(api_.absolute(url));
        if (!patience.wait(error.retry_after)) return fail(std::move(error));
    }
}

FileUpload::Step FileUpload::send_form(const json::Value& grant) {
    auto fields = pairs_of(grant, "fields");
    const auto boundary = "photogate-" + hex_of_chance();
    auto request = request_of(grant, api_);
    request.headers.push_back({"Content-Type", "multipart/form-data; boundary=" + boundary});
    Patience patience{sending_.patience};
    while (true) {
        const CountedSource file{*file_, 0, file_->size(), sent_};
        const FormSource body{fields, file, boundary};
        request.source = &body;
        const auto response = api_.http().send(request);
        if (response && fate_of(response->status) == Fate::arrived) return {};
        auto error = response ? refused_by_store(*response) : response.error();
        if (!worth_another_try(error) || !patience.wait(error.retry_after)) return fail(std::move(error));
    }
}

FileUpload::Step FileUpload::send_part(const json::Value& part, std::uint64_t part_size) {
    const auto number = integer_at(part, "number").value_or(0);
    const auto size = integer_at(part, "size").value_or(0);
    if (number < 1 || size < 1) return fail(ErrorCode::store_protocol, "a part has no number or no size");
    const CountedSource body{*file_, static_cast<std::uint64_t>(number - 1) * part_size,
                             static_cast<std::uint64_t>(size), sent_};
    auto request = request_of(part, api_);
    request.source = &body;
    const auto response = api_.http().send(request);
    if (!response) return fail(response.error());
    if (fate_of(response->status) == Fate::arrived) return {};
    auto error = refused_by_store(*response);
    // Its URL may have run out; the next round signs it anew.
    if (response->status == 403) error.code = ErrorCode::store_unavailable;
    return fail(std::move(error));
}

FileUpload::Step FileUpload::send_parts(const json::Value& grant) {
    const auto& layout = *grant.find("parts");
    const auto part_size = integer_at(layout, "part_size").value_or(0);
    if (part_size < 1) return fail(ErrorCode::store_protocol, "the gateway's answer has no size of parts");
    Patience patience{sending_.patience};
    auto parts = array_at(layout, "data");
    const Error unlisted{
        ErrorCode::unavailable, "the store does not list the parts that it took", {}, std::nullopt};
    auto last = unlisted;
    auto fewest_missing = std::numeric_limits<std::size_t>::max();
    int fruitless = 0;  // rounds that the store took whole, and has no more parts than before
    while (true) {
        bool refused = false;
        for (const auto& part : parts) {
            const auto sent = send_part(part, static_cast<std::uint64_t>(part_size));
            if (sent) {
                patience.went_forward();
                continue;
            }
            last = sent.error();
            if (!worth_another_try(last)) return fail(std::move(last));
            refused = true;
            break;
        }
        if (refused && !patience.wait(last.retry_after)) return fail(std::move(last));
        // What the store has is what counts: another answer may have been lost.
        const auto listed = api_.get(path() + "/parts");
        if (!listed) {
            if (!worth_another_try(listed.error()) || !patience.wait(listed.error().retry_after))
                return fail(listed.error());
            parts.clear();
            continue;
        }
        json::Writer numbers;
        std::size_t missing = 0;
        numbers.begin_object();
        numbers.name("numbers");
        numbers.begin_array();
        for (const auto& number : array_at(listed->value, "missing")) {
            if (number.integer() == nullptr || *number.integer() < 1 || ++missing > 100) continue;
            numbers.number(static_cast<std::uint64_t>(*number.integer()));
        }
        numbers.end_array();
        numbers.end_object();
        if (missing == 0) return {};
        if (missing < fewest_missing)
            fruitless = 0;
        else if (!refused && !parts.empty() && ++fruitless == kFruitlessRounds)
            return fail(unlisted);
        fewest_missing = std::min(fewest_missing, missing);
        if (!refused && !parts.empty() && !patience.wait(std::nullopt)) return fail(unlisted);
        const auto fresh = api_.post(path() + "/parts/sign", numbers.take());
        if (!fresh) {
            if (!worth_another_try(fresh.error()) || !patience.wait(fresh.error().retry_after))
                return fail(fresh.error());
            parts.clear();
            continue;
        }
        parts = array_at(fresh->value, "data");
    }
}

/// tus 1.0.0, docs/resumable.md: HEAD says how much is there, PATCH sends what is behind it.
FileUpload::Step FileUpload::send_resumable(const std::string& url) {
    Patience patience{sending_.patience};
    std::uint64_t reached = 0;
    while (true) {
        Request look;
        look.method = "HEAD";
        look.url = url;
        look.headers = {{"Tus-Resumable", "1.0.0"}};
        look.first_byte_timeout = std::chrono::seconds{15};
        const auto found = api_.http().send(look);
        Error error{ErrorCode::unavailable, "", {}, std::nullopt};
        if (found && fate_of(found->status) == Fate::final) {
            // It takes no more: the file has come in another way, or the upload is over. Which, the upload says.
            const auto upload = api_.get(path());
            if (!upload) return fail(upload.error());
            if (text_at(upload->value, "state") != "created") return {};
            return fail(ErrorCode::store_refused,
                        fmt::format("the resumable URL answered {}", found->status));
        }
        if (found && fate_of(found->status) == Fate::arrived) {
            const auto* text = found->header("Upload-Offset");
            const auto offset = text != nullptr ? ascii::parse_whole<std::uint64_t>(*text) : std::nullopt;
            if (!offset || *offset > file_->size())
                return fail(ErrorCode::store_protocol, "the resumable URL answers without an offset");
            if (*offset == file_->size()) return {};
            if (*offset > reached) patience.went_forward();
            reached = std::max(reached, *offset);
            const CountedSource rest{*file_, *offset, file_->size() - *offset, sent_};
            Request patch;
            patch.method = "PATCH";
            patch.url = url;
            patch.headers = {{"Tus-Resumable", "1.0.0"},
                             {"Upload-Offset", fmt::format("{}", *offset)},
                             {"Content-Type", "application/offset+octet-stream"}};
            patch.source = &rest;
            patch.first_byte_timeout = kAnswerTime;
            const auto sent = api_.http().send(patch);
            if (sent && fate_of(sent->status) == Fate::arrived) {
                patience.went_forward();
                const auto* now = sent->header("Upload-Offset");
                const auto end = now != nullptr ? ascii::parse_whole<std::uint64_t>(*now) : std::nullopt;
                if (end == file_->size()) return {};
                continue;
            }
            error = sent ? refused_by_store(*sent) : sent.error();
            // The offset has moved, or the upload is over: the next HEAD says which.
            const bool look_again = sent && (sent->status == 409 || sent->status == 404);
            if (sent && fate_of(sent->status) == Fate::final && !look_again) return fail(std::move(error));
        } else {
            error = found ? refused_by_store(*found) : found.error();
        }
        if (!patience.wait(error.retry_after)) return fail(std::move(error));
    }
}

Result<UploadedFile> FileUpload::completed() {
    Patience patience{sending_.patience};
    while (true) {
        const auto answer = api_.post(path() + "/complete");
        if (answer) {
            if (sending_.until == Until::sent || is_final(text_at(answer->value, "state")))
                return file_of(answer->value);
            return waited(*answer);
        }
        if (!worth_another_try(answer.error()) || !patience.wait(answer.error().retry_after))
            return fail(answer.error());
    }
}

Result<UploadedFile> FileUpload::waited(const Answer& first) {
    auto state = text_at(first.value, "state");
    const auto until = Steady::now() + sending_.longest_wait;
    Patience patience{sending_.patience};
    while (Steady::now() < until) {
        const auto upload = api_.get(path(), {{"wait", "20"}}, std::chrono::seconds{40});
        if (upload) {
            patience.went_forward();
            state = text_at(upload->value, "state");
            if (is_final(state)) return file_of(upload->value);
        } else if (!worth_another_try(upload.error()) || !patience.wait(upload.error().retry_after)) {
            return fail(upload.error());
        }
    }
    return fail(ErrorCode::unavailable,
                fmt::format("the file has arrived, and the upload is still {} after {} s", state,
                            sending_.longest_wait.count()));
}

}  // namespace photogate::client
