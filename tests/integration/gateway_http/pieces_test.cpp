// Bodies taken in pieces and files sent: backpressure, early answers, ends of every kind.
#include <cstdio>
#include <future>

#include <sys/mman.h>
#include <unistd.h>

#include "serving.hpp"

namespace photogate::gateway::http::test {
namespace {

using Piece = RequestBody::Piece;

/// A memory file with this content.
class MemoryFile final : public FileSource {
  public:
    explicit MemoryFile(std::string_view content)
        : descriptor_(::memfd_create("test", MFD_CLOEXEC)), size_(content.size()) {
        while (!content.empty()) {
            const ssize_t size = ::write(descriptor_, content.data(), content.size());
            if (size <= 0) throw std::runtime_error("no memory file");
            content.remove_prefix(static_cast<std::size_t>(size));
        }
    }
    ~MemoryFile() override { ::close(descriptor_); }
    /// In pieces of a megabyte, so that several are needed. It announces more than it has, like a file that
    /// shrank.
    Result<Extent> at(std::uint64_t offset) const override {
        return Extent{descriptor_, offset,
                      offset < size_ ? std::min<std::uint64_t>(1'000'000, size_ - offset) : 1};
    }

  private:
    int descriptor_;
    std::uint64_t size_;
};

/// Takes bodies in pieces and leaves it to the test when.
class InPieces final : public Service {
  public:
    HeadLimits head_limits(const HeadLimits& general) const override {
        HeadLimits limits = general;
        limits.target_rule = TargetRule::opaque;
        return limits;
    }
    void word(Response& response, const ErrorContext& context) const override {
        const auto code = std::get<Error>(response.body).code;
        response.set("Content-Type", "application/xml");
        response.body =
            "<Code>" + std::string{to_string(code)} + "</Code><Path>" + std::string{context.path} + "</Path>";
    }
    Admission admit(const RequestHead&) override {
        Admission admission;
        admission.route_name = "pieces";
        admission.body_mode = BodyMode::pieces;
        admission.body_limit = 64'000'000;
        admission.body_deadline = deadline;
        admission.handler = [this](Request request, Responder responder) {
            parked.park(std::move(request), std::move(responder));
        };
        return admission;
    }

    Parked parked;
    std::optional<std::chrono::milliseconds> deadline;
};

class Pieces : public testing::Test {
  protected:
    void SetUp() override {
        ServerOptions options{.access_log = AccessLog::none};
        options.limits.body_window = std::chrono::milliseconds{100};
        options.limits.linger = std::chrono::milliseconds{100};
        auto started = Server::start({{.service = &service}}, options);
        ASSERT_TRUE(started) << started.error().detail;
        server = std::move(*started);
    }
    RawClient connect() const { return RawClient{server->ports().front()}; }
    static Result<Piece> next(const Request& request) {
        std::promise<Result<Piece>> promise;
        request.stream->next([&](Result<Piece> piece) { promise.set_value(std::move(piece)); });
        return promise.get_future().get();
    }
    static Result<std::string> all(const Request& request) {
        std::string body;
        while (true) {
            Result<Piece> piece = next(request);
            if (!piece) return fail(piece.error());
            body += piece->bytes;
            if (piece->last) return body;
        }
    }

    InPieces service;
    std::unique_ptr<Server> server;
};

std::string put_head(std::string_view framing) {
    return "PUT /a//../%2e\\b HTTP/1.1\r\nHost: h\r\n" + std::string{framing} + "\r\n\r\n";
}

TEST_F(Pieces, passes_opaque_target_to_the_service) {
    RawClient client = connect();
    client.send("PUT /a//../%2e\\b?x=%00 HTTP/1.1\r\nHost: h\r\n\r\n");
    auto [request, responder] = service.parked.take();
    EXPECT_EQ(request.target, "/a//../%2e\\b?x=%00");
    EXPECT_TRUE(request.path.empty());
    responder.respond(Response::empty(204));
    EXPECT_EQ(client.receive()->status, 204);
    EXPECT_EQ(client.ask("PUT /a b HTTP/1.1\r\nHost: h\r\n\r\n")->status, 400);
}

TEST_F(Pieces, delivers_whole_body_for_every_framing) {
    std::string body;
    for (int i = 0; body.size() < 3'000'000; ++i)
        body += std::to_string(i);
    RawClient client = connect();
    std::thread sender([&] {
        client.send(put_head("Content-Length: " + std::to_string(body.size())) + body);
        client.send(put_head("Transfer-Encoding: chunked"));
        for (std::size_t at = 0; at < body.size(); at += 100'000) {
            const std::string chunk = body.substr(at, 100'000);
            char size[16];
            std::snprintf(size, sizeof size, "%zx\r\n", chunk.size());
            client.send(size + chunk + "\r\n");
        }
        client.send("0\r\n\r\n");
    });
    for (int i = 0; i < 2; ++i) {
        auto [request, responder] = service.parked.take();
        Result<std::string> got = all(request);
        ASSERT_TRUE(got);
        EXPECT_TRUE(*got == body);
        responder.respond(Response::text(200, "taken"));
        auto answer = client.receive();
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->body, "taken");
        EXPECT_EQ(answer->header("Connection"), "");
    }
    sender.join();
}

TEST_F(Pieces, delivers_empty_body_as_one_last_piece) {
    RawClient client = connect();
    client.send(put_head("Content-Length: 0"));
    auto [request, responder] = service.parked.take();
    Result<Piece> piece = next(request);
    ASSERT_TRUE(piece);
    EXPECT_TRUE(piece->last);
    EXPECT_EQ(piece->bytes, "");
    responder.respond(Response::empty(200));
    EXPECT_EQ(client.receive()->status, 200);
}

TEST_F(Pieces, reads_no_more_than_was_requested) {
    RawClient client = connect();
    const std::string body(40'000'000, 'x');
    std::atomic<bool> sent{false};
    std::thread sender([&] {
        client.send(put_head("Content-Length: " + std::to_string(body.size())) + body);
        sent = true;
    });
    auto [request, responder] = service.parked.take();
    Result<Piece> piece = next(request);
    ASSERT_TRUE(piece);
    EXPECT_FALSE(piece->last);
    EXPECT_LT(piece->bytes.size(), 400'000U);
    // The kernel's buffers hold a few megabytes of the forty; the sender waits for us.
    EXPECT_FALSE(sent);
    ASSERT_TRUE(all(request));
    sender.join();
    responder.respond(Response::empty(200));
    EXPECT_EQ(client.receive()->status, 200);
}

TEST_F(Pieces, sends_100_continue_only_once_the_body_is_requested) {
    RawClient client = connect();
    client.send(put_head("Content-Length: 3\r\nExpect: 100-continue"));
    auto [request, responder] = service.parked.take();
    auto asked = std::make_shared<std::promise<Result<Piece>>>();
    request.stream->next([asked](Result<Piece> piece) { asked->set_value(std::move(piece)); });
    EXPECT_EQ(client.receive()->status, 100);
    client.send("abc");
    EXPECT_EQ(asked->get_future().get()->bytes, "abc");
    responder.respond(Response::empty(200));
    EXPECT_EQ(client.receive()->status, 200);
}

/// botocore sends nothing more on a connection whose final answer came without it.
TEST_F(Pieces, sends_100_continue_for_a_body_of_no_bytes) {
    RawClient client = connect();
    for (int i = 0; i < 2; ++i) {
        client.send(put_head("Content-Length: 0\r\nExpect: 100-continue"));
        auto [request, responder] = service.parked.take();
        auto asked = std::make_shared<std::promise<Result<Piece>>>();
        request.stream->next([asked](Result<Piece> piece) { asked->set_value(std::move(piece)); });
        EXPECT_EQ(client.receive()->status, 100);
        EXPECT_TRUE(asked->get_future().get()->last);
        responder.respond(Response::empty(200));
        EXPECT_EQ(client.receive()->status, 200);
    }
}

TEST_F(Pieces, never_sends_100_continue_to_a_rejected_request) {
    RawClient client = connect();
    client.send(put_head("Content-Length: 3\r\nExpect: 100-continue"));
    auto [request, responder] = service.parked.take();
    responder.respond(Response::empty(403));
    auto answer = client.receive();
    EXPECT_EQ(answer->status, 403);
    EXPECT_EQ(answer->header("Connection"), "close");
    EXPECT_TRUE(client.at_end());
}

TEST_F(Pieces, delivers_early_response_to_client_that_sends_before_it_reads) {
    RawClient client = connect();
    client.send(put_head("Content-Length: 20000000"));
    auto [request, responder] = service.parked.take();
    responder.respond(Response::text(403, "no"));
    EXPECT_TRUE(client.send(std::string(20'000'000, 'x')));
    auto answer = client.receive();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, "no");
    EXPECT_EQ(answer->header("Connection"), "close");
}

TEST_F(Pieces, keeps_connection_when_the_unread_body_has_already_arrived) {
    RawClient client = connect();
    for (int i = 0; i < 2; ++i) {
        client.send(put_head("Content-Length: 3") + "abc");
        auto [request, responder] = service.parked.take();
        responder.respond(Response::empty(403));
        auto answer = client.receive();
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->header("Connection"), "");
    }
}

TEST_F(Pieces, reports_peer_disconnect_to_the_waiting_reader) {
    std::optional<RawClient> client{connect()};
    client->send(put_head("Content-Length: 10") + "abc");
    auto [request, responder] = service.parked.take();
    std::promise<Result<Piece>> promise;
    request.stream->next([&](Result<Piece> piece) { promise.set_value(std::move(piece)); });
    client.reset();
    EXPECT_EQ(promise.get_future().get().error().code, ErrorCode::http_broken);
    EXPECT_EQ(next(request).error().code, ErrorCode::http_broken);
    responder.respond(Response::empty(200));
}

TEST_F(Pieces, answers_408_with_service_error_format_for_endless_body) {
    RawClient client = connect();
    client.send(put_head("Content-Length: 1000000") + "abc");
    auto [request, responder] = service.parked.take();
    EXPECT_EQ(all(request).error().code, ErrorCode::request_timeout);
    auto answer = client.receive();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 408);
    EXPECT_EQ(answer->header("Content-Type"), "application/xml");
    EXPECT_EQ(answer->body, "<Code>request_timeout</Code><Path>/a//../%2e\\b</Path>");
    EXPECT_TRUE(client.at_end());
}

TEST_F(Pieces, answers_408_when_a_steady_body_exceeds_its_total_time) {
    service.deadline = std::chrono::milliseconds{150};
    RawClient client = connect();
    client.send(put_head("Content-Length: 60000000"));
    auto [request, responder] = service.parked.take();
    std::atomic<bool> stop{false};
    std::thread sender([&] {
        while (!stop && client.send(std::string(1'000, 'x')))
            std::this_thread::yield();
    });
    Result<std::string> got;
    while ((got = all(request)))
        FAIL() << "it ended";
    EXPECT_EQ(got.error().code, ErrorCode::request_timeout);
    stop = true;
    sender.join();
}

TEST_F(Pieces, answers_400_and_fails_the_reader_on_broken_chunks) {
    RawClient client = connect();
    client.send(put_head("Transfer-Encoding: chunked") + "3\r\nabc\r\nxyz\r\n");
    auto [request, responder] = service.parked.take();
    EXPECT_EQ(all(request).error().code, ErrorCode::bad_framing);
    EXPECT_EQ(client.receive()->status, 400);
    EXPECT_TRUE(client.at_end());
}

TEST_F(Pieces, rejects_length_over_limit_before_calling_the_service) {
    RawClient client = connect();
    auto answer = client.ask(put_head("Content-Length: 64000001"));
    EXPECT_EQ(answer->status, 413);
    EXPECT_TRUE(client.at_end());
}

TEST_F(Pieces, sends_file_body_unchanged) {
    std::string content;
    for (int i = 0; content.size() < 9'000'000; ++i)
        content += std::to_string(i);
    auto file = std::make_shared<MemoryFile>(content);
    RawClient client = connect();
    for (const auto& [offset, length] :
         std::vector<std::pair<std::size_t, std::size_t>>{{0, content.size()}, {5'000'000, 3}, {7, 0}}) {
        client.send("GET /f HTTP/1.1\r\nHost: h\r\n\r\n");
        auto [request, responder] = service.parked.take();
        Response response;
        response.set("Cache-Control", "");
        response.body = FileBody{file, offset, length};
        responder.respond(std::move(response));
        auto answer = client.receive();
        ASSERT_TRUE(answer);
        EXPECT_TRUE(answer->body == content.substr(offset, length));
        EXPECT_EQ(answer->header("Cache-Control"), "");
        EXPECT_NE(answer->header("Content-Security-Policy"), "");
    }
    client.send("HEAD /f HTTP/1.1\r\nHost: h\r\n\r\n");
    auto [request, responder] = service.parked.take();
    Response response;
    response.body = FileBody{nullptr, 0, 123};
    responder.respond(std::move(response));
    EXPECT_EQ(client.receive(Expecting::no_body)->header("Content-Length"), "123");
}

TEST_F(Pieces, closes_connection_when_a_file_body_shrank) {
    RawClient client = connect();
    client.send("GET /f HTTP/1.1\r\nHost: h\r\n\r\n");
    auto [request, responder] = service.parked.take();
    Response response;
    response.body = FileBody{std::make_shared<MemoryFile>("abc"), 0, 1'000};
    responder.respond(std::move(response));
    EXPECT_THROW((void)client.receive(), std::runtime_error);
}

TEST_F(Pieces, survives_client_disconnect_during_file_body) {
    {
        RawClient client{server->ports().front(), 4'096};
        client.send("GET /f HTTP/1.1\r\nHost: h\r\n\r\n");
        auto [request, responder] = service.parked.take();
        Response response;
        response.body = FileBody{std::make_shared<MemoryFile>(std::string(20'000'000, 'x')), 0, 20'000'000};
        responder.respond(std::move(response));
    }
    while (server->stats().connections > 0)
        std::this_thread::yield();
    RawClient client = connect();
    client.send("GET /f HTTP/1.1\r\nHost: h\r\n\r\n");
    auto [request, responder] = service.parked.take();
    responder.respond(Response::empty(204));
    EXPECT_EQ(client.receive()->status, 204);
}

}  // namespace
}  // namespace photogate::gateway::http::test
