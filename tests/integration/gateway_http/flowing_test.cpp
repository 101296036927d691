// Bodies that are kept as far as they came: cut, interrupted, ended by a server that drains; and interim answers.
#include <future>
#include <utility>

#include "gateway/http/flowing_body.hpp"
#include "serving.hpp"

namespace photogate::gateway::http::test {
namespace {

using Piece = RequestBody::Piece;

class Flowing final : public Service {
  public:
    Admission admit(const RequestHead&) override {
        Admission admission;
        admission.route_name = "flowing";
        admission.body_mode = BodyMode::pieces;
        admission.body_limit = 64'000'000;
        admission.handler = [this](Request request, Responder responder) {
            flowing_body(request)->flow();
            parked.park(std::move(request), std::move(responder));
        };
        return admission;
    }
    Parked parked;
};

class FlowingTest : public testing::Test {
  protected:
    void SetUp() override {
        ServerOptions options{.access_log = AccessLog::none};
        // A body that does not flow would end by these.
        options.limits.body_window = std::chrono::milliseconds{50};
        options.limits.body_deadline = std::chrono::milliseconds{200};
        options.limits.linger = std::chrono::milliseconds{100};
        auto started = Server::start({{.service = &service}}, options);
        ASSERT_TRUE(started) << started.error().detail;
        server = std::move(*started);
    }
    RawClient connect() const { return RawClient{server->ports().front()}; }
    static std::future<Result<Piece>> ask(const Request& request) {
        auto promise = std::make_shared<std::promise<Result<Piece>>>();
        request.stream->next([promise](Result<Piece> piece) { promise->set_value(std::move(piece)); });
        return promise->get_future();
    }
    static Error superseded() { return {ErrorCode::state_conflict, "another continues", {}, std::nullopt}; }

    Flowing service;
    std::unique_ptr<Server> server;
};

std::string patch(std::size_t length, std::string_view body) {
    return "PATCH /x HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n" +
           std::string{body};
}

TEST_F(FlowingTest, what_came_before_a_cut_is_given) {
    std::optional<RawClient> client{connect()};
    client->send(patch(100, "0123456789"));
    auto [request, responder] = service.parked.take();
    auto piece = ask(request);
    client.reset();
    auto given = piece.get();
    ASSERT_TRUE(given);
    EXPECT_EQ(given->bytes, "0123456789");
    EXPECT_FALSE(given->last);
    EXPECT_EQ(ask(request).get().error().code, ErrorCode::http_broken);
}

TEST_F(FlowingTest, slow_body_is_waited_for) {
    RawClient client = connect();
    client.send(patch(4, "ab"));
    auto [request, responder] = service.parked.take();
    auto piece = ask(request);
    EXPECT_EQ(piece.wait_for(std::chrono::milliseconds{600}), std::future_status::timeout)
        << "three times the body's time";
    client.send("cd");
    auto given = piece.get();
    ASSERT_TRUE(given);
    EXPECT_EQ(given->bytes, "abcd");
    EXPECT_TRUE(given->last);
    responder.respond(Response::empty(204));
    EXPECT_EQ(client.receive()->status, 204);
}

TEST_F(FlowingTest, interrupted_body_gives_what_has_come_and_is_answered) {
    RawClient client = connect();
    client.send(patch(1'000, "0123456789"));
    auto [request, responder] = service.parked.take();
    flowing_body(request)->interrupt(superseded());
    auto given = ask(request).get();
    ASSERT_TRUE(given);
    EXPECT_EQ(given->bytes, "0123456789");
    client.send("more");
    EXPECT_EQ(ask(request).get().error().code, ErrorCode::state_conflict)
        << "who keeps sending does not keep it from ending";
    responder.respond(Response::empty(409));
    const auto answer = client.receive();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 409);
    EXPECT_EQ(answer->header("Connection"), "close");
}

TEST_F(FlowingTest, interruption_reaches_a_body_that_is_waited_for) {
    RawClient client = connect();
    client.send(patch(1'000, "01234"));
    auto [request, responder] = service.parked.take();
    auto piece = ask(request);
    flowing_body(request)->interrupt(superseded());
    auto given = piece.get();
    ASSERT_TRUE(given);
    EXPECT_EQ(given->bytes, "01234");
    EXPECT_EQ(ask(request).get().error().code, ErrorCode::state_conflict);
}

TEST_F(FlowingTest, draining_server_ends_it_with_what_has_come) {
    RawClient client = connect();
    client.send(patch(1'000, "0123"));
    auto [request, responder] = service.parked.take();
    auto piece = ask(request);
    auto drained = std::async(std::launch::async, [&] { return server->drain(std::chrono::seconds{20}); });
    auto given = piece.get();
    ASSERT_TRUE(given);
    EXPECT_EQ(given->bytes, "0123");
    EXPECT_EQ(ask(request).get().error().code, ErrorCode::unavailable);
    responder.respond(Response::empty(503));
    EXPECT_EQ(client.receive()->status, 503);
    EXPECT_EQ(drained.get(), 0U);
}

TEST_F(FlowingTest, interim_answer_goes_out_before_the_body_is_asked_for) {
    RawClient client = connect();
    client.send("PUT /x HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    auto [request, responder] = service.parked.take();
    Response interim = Response::empty(104);
    interim.set("Location", "/somewhere");
    flowing_body(request)->inform(std::move(interim));
    auto answer = client.receive(Expecting::no_body);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->status, 104);
    EXPECT_EQ(answer->header("Location"), "/somewhere");
    auto piece = ask(request);
    EXPECT_EQ(client.receive(Expecting::no_body)->status, 100) << "one does not replace the other";
    client.send("abc");
    EXPECT_EQ(piece.get()->bytes, "abc");
    responder.respond(Response::empty(204));
    EXPECT_EQ(client.receive()->status, 204);
}

TEST_F(FlowingTest, old_protocol_gets_no_interim_answer) {
    RawClient client = connect();
    client.send("PUT /x HTTP/1.0\r\nHost: h\r\nContent-Length: 3\r\n\r\n");
    auto [request, responder] = service.parked.take();
    flowing_body(request)->inform(Response::empty(104));
    responder.respond(Response::empty(204));
    EXPECT_EQ(client.receive()->status, 204);
}

}  // namespace
}  // namespace photogate::gateway::http::test
