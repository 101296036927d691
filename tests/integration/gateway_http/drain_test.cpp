#include "serving.hpp"

namespace photogate::gateway::http::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Drain : public Serving {};

TEST_F(Drain, finishes_request_in_progress) {
    RawClient client = connect();
    client.send(get("/parked"));
    auto [request, responder] = parked.take();
    server->stop_accepting();
    std::size_t cut = 99;
    std::thread draining([&] { cut = server->drain(seconds{20}); });
    responder.respond(Response::text(200, "finished"));
    auto answer = client.receive();
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->body, "finished");
    EXPECT_EQ(answer->header("Connection"), "close");
    EXPECT_TRUE(client.at_end());
    {
        // The peer's end is what the server lingers for.
        RawClient gone = std::move(client);
    }
    draining.join();
    EXPECT_EQ(cut, 0U);
}

TEST_F(Drain, closes_idle_connections_and_refuses_new_ones) {
    RawClient idle = connect();
    EXPECT_EQ(idle.ask(get("/hello/x"))->status, 200);
    EXPECT_EQ(server->drain(seconds{20}), 0U);
    EXPECT_TRUE(idle.at_end());
    EXPECT_THROW((void)connect(), std::runtime_error);
}

TEST_F(Drain, serves_connections_waiting_in_the_backlog) {
    std::vector<RawClient> clients;
    for (int i = 0; i < 50; ++i) {
        clients.push_back(connect());
        clients.back().send(get("/hello/x"));
    }
    server->stop_accepting();
    for (RawClient& client : clients) {
        auto answer = client.receive();
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->status, 200);
    }
}

TEST_F(Drain, closes_the_rest_after_the_deadline_and_ignores_late_responses) {
    RawClient client = connect();
    client.send(get("/parked"));
    auto [request, responder] = parked.take();
    EXPECT_EQ(server->drain(milliseconds{1}), 1U);
    EXPECT_FALSE(client.receive());
    server.reset();
    responder.respond(Response::text(200, "too late"));
}

TEST_F(Drain, tolerates_responses_racing_with_the_end_of_drain) {
    for (int round = 0; round < 20; ++round) {
        std::vector<RawClient> clients;
        for (int i = 0; i < 8; ++i) {
            clients.push_back(connect());
            clients.back().send(get("/parked"));
        }
        parked.wait_for(8);
        std::thread answering([&] {
            for (int i = 0; i < 8; ++i)
                parked.take().second.respond(Response::text(200, "x"));
        });
        server->drain(milliseconds{round % 3});
        answering.join();
        start();
    }
}

}  // namespace
}  // namespace photogate::gateway::http::test
