#include "storage/http/response_stream.hpp"

#include <algorithm>
#include <utility>

#include "storage/http/client_state.hpp"

namespace photogate::storage::http {

namespace {

/// How long one wait for the socket may be: the first byte's time is looked at in between.
constexpr int kLongestPoll = 250;
constexpr long kBuffer = 64L << 10;

}  // namespace

struct ResponseStream::State {
    State(HttpClient::State& of, Request asked)
        : client(of), request(std::move(asked)), transfer(request, of.options) {
        transfer.deliver_to([this](BytesView bytes) { return take(bytes); });
    }
    ~State() {
        if (added) (void)curl_multi_remove_handle(handles.multi.get(), handles.easy.get());
        if (handles.multi && handles.easy) client.give_back(std::move(handles));
    }
    State(const State&) = delete;
    State& operator=(const State&) = delete;

    Result<> begin() {
        handles = client.take_stream();
        if (!handles.multi || !handles.easy) return fail(ErrorCode::internal, "libcurl gave no handle");
        if (auto prepared = transfer.prepare(handles.easy.get()); !prepared) return prepared;
        // A quarter of the calls for the same bytes. Where curl refuses it (7.88, on a handle whose last transfer failed before
        // it connected), it stays at 16 KiB.
        (void)curl_easy_setopt(handles.easy.get(), CURLOPT_BUFFERSIZE, kBuffer);
        if (curl_multi_add_handle(handles.multi.get(), handles.easy.get()) != CURLM_OK)
            return fail(ErrorCode::internal, "libcurl did not take the request");
        added = true;
        // What comes before anybody reads is the head, and the first of the body.
        return drive([this] { return has_left(); });
    }

    Transfer::Taken take(BytesView bytes) {
        if (has_left()) {
            paused = true;
            return Transfer::Taken::later;
        }
        const std::size_t fits = std::min(bytes.size(), room.size());
        std::copy_n(bytes.begin(), fits, room.begin());
        room = room.subspan(fits);
        filled += fits;
        left.assign(bytes.begin() + static_cast<std::ptrdiff_t>(fits), bytes.end());
        left_at = 0;
        return Transfer::Taken::all;
    }

    Result<std::size_t> read(std::span<std::uint8_t> out) {
        const std::size_t kept = std::min(out.size(), left.size() - left_at);
        std::copy_n(left.begin() + static_cast<std::ptrdiff_t>(left_at), kept, out.begin());
        left_at += kept;
        if (kept > 0 || out.empty()) return kept;
        room = out;
        filled = 0;
        const auto driven = drive([this] { return filled > 0; });
        room = {};
        if (filled > 0) return filled;
        if (!driven) return fail(driven.error());
        return std::size_t{0};
    }

    bool has_left() const { return left_at < left.size(); }

    /// Until there is enough, or the transfer is over.
    template <class Enough>
    Result<> drive(Enough enough) {
        while (!over && !enough()) {
            if (std::exchange(paused, false)) {
                const CURLcode unpaused = curl_easy_pause(handles.easy.get(), CURLPAUSE_CONT);
                if (unpaused != CURLE_OK) return end(unpaused);
                if (enough()) break;
            }
            int running = 0;
            if (curl_multi_perform(handles.multi.get(), &running) != CURLM_OK) return end(CURLE_FAILED_INIT);
            int more = 0;
            while (const CURLMsg* message = curl_multi_info_read(handles.multi.get(), &more)) {
                if (message->msg == CURLMSG_DONE) return end(message->data.result);
            }
            if (enough()) break;
            if (curl_multi_poll(handles.multi.get(), nullptr, 0, kLongestPoll, nullptr) != CURLM_OK)
                return end(CURLE_FAILED_INIT);
        }
        return outcome;
    }

    Result<> end(CURLcode code) {
        over = true;
        auto response = transfer.finish(handles.easy.get(), code);
        if (response) {
            whole = std::move(*response);
        } else {
            outcome = tl::unexpected(std::move(response.error()));
        }
        return outcome;
    }

    HttpClient::State& client;
    const Request request;
    Transfer transfer;
    StreamHandles handles;
    bool added = false;
    bool over = false;
    bool paused = false;
    Result<> outcome;
    std::optional<Response> whole;  ///< once it is over
    std::span<std::uint8_t> room;   ///< of the read under way
    std::size_t filled = 0;
    Bytes left;  ///< what had no room
    std::size_t left_at = 0;
};

ResponseStream::ResponseStream(std::unique_ptr<State> state) : state_(std::move(state)) {}
ResponseStream::~ResponseStream() = default;

const Response& ResponseStream::head() const {
    return state_->whole ? *state_->whole : state_->transfer.response();
}

Result<std::size_t> ResponseStream::read(std::span<std::uint8_t> out) {
    return state_->read(out);
}

Result<std::unique_ptr<ResponseStream>> HttpClient::open(Request request) {
    auto state = std::make_unique<ResponseStream::State>(*state_, std::move(request));
    if (auto begun = state->begin(); !begun && !state->has_left()) return fail(std::move(begun.error()));
    return std::make_unique<ResponseStream>(std::move(state));
}

}  // namespace photogate::storage::http
