// A real server on a free port, with a few routes to ask.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "gateway/http/router.hpp"
#include "gateway/http/server.hpp"
#include "raw_client.hpp"

namespace photogate::gateway::http::test {

/// Requests that wait until the test answers them.
class Parked {
  public:
    void park(Request request, Responder responder) {
        std::lock_guard lock(mutex_);
        waiting_.emplace_back(std::move(request), std::move(responder));
        changed_.notify_all();
    }
    std::pair<Request, Responder> take() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return !waiting_.empty(); });
        auto first = std::move(waiting_.front());
        waiting_.erase(waiting_.begin());
        return first;
    }
    void wait_for(std::size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return waiting_.size() >= count; });
    }

  private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::pair<Request, Responder>> waiting_;
};

/// Repeats one piece, `pieces` times.
class Repeating final : public BodyReader {
  public:
    Repeating(std::string piece, int pieces) : piece_(std::move(piece)), left_(pieces) {}
    void next(Answer answer) override { answer(left_-- > 0 ? piece_ : std::string{}); }

  private:
    std::string piece_;
    int left_;
};

class Serving : public testing::Test {
  protected:
    virtual ServerOptions options() const { return {.access_log = AccessLog::none}; }
    virtual std::vector<std::string> hosts() const { return {}; }

    void SetUp() override {
        auto echo = answer_with([this](Request& request) {
            ++handled;
            return Response::text(200, request.body);
        });
        auto cors = std::make_shared<CorsRule>(
            CorsRule{.origins = {"https://app.example"},
                     .headers = {"Content-Type"},
                     .exposed = {"ETag", "Location", "X-Request-Id", "Retry-After"},
                     .max_age = 7'200});
        router.add({.method = Method::post, .pattern = "/echo", .handler = echo, .body_limit = 65'536}, cors)
            .add({.method = Method::put, .pattern = "/echo", .handler = echo, .body_limit = 10}, cors)
            .add({.method = Method::get,
                  .pattern = "/hello/{name}",
                  .handler = answer_with([this](Request& request) {
                      ++handled;
                      return Response::text(200, "hello " + std::string{request.parameter("name")});
                  })})
            .add({.method = Method::get,
                  .pattern = "/parked",
                  .handler =
                      [this](Request request, Responder responder) {
                          parked.park(std::move(request), std::move(responder));
                      }})
            .add({.method = Method::get, .pattern = "/whoami", .handler = answer_with([](Request& request) {
                                                                   return Response::text(200, request.remote);
                                                               })})
            .add({.method = Method::get, .pattern = "/dropped", .handler = [](Request, Responder) {}})
            .add({.method = Method::get,
                  .pattern = "/throws",
                  .handler = [](Request, Responder) { throw std::runtime_error("boom"); }})
            .add({.method = Method::get,
                  .pattern = "/problem",
                  .handler = answer_with([](Request&) -> Result<Response> {
                      return fail(ErrorCode::upload_not_found, "There is no such upload.");
                  })})
            .add({.method = Method::get,
                  .pattern = "/stream/{kind}",
                  .handler = answer_with([](Request& request) {
                      Response response;
                      std::string_view kind = request.parameter("kind");
                      std::string piece(10'000, 'x');
                      if (kind == "chunked")
                          response.body = StreamBody{std::make_unique<Repeating>(piece, 300), std::nullopt};
                      if (kind == "length")
                          response.body = StreamBody{std::make_unique<Repeating>(piece, 300), 3'000'000};
                      if (kind == "short")
                          response.body = StreamBody{std::make_unique<Repeating>(piece, 2), 30'000};
                      if (kind == "long")
                          response.body = StreamBody{std::make_unique<Repeating>(piece, 4), 30'000};
                      return response;
                  })})
            .add({.method = Method::get, .pattern = "/large", .handler = answer_with([this](Request&) {
                                                                  Response response;
                                                                  response.body = large;
                                                                  return response;
                                                              })})
            .add({.method = Method::post,
                  .pattern = "/guarded",
                  .handler = echo,
                  .body_limit = 1'000,
                  .check = [](const RequestHead& head, const PathParameters&) -> Result<PrincipalPtr> {
                      if (head.headers.find("Authorization") != "Bearer good") {
                          return fail(ErrorCode::unauthenticated, "Send a key.");
                      }
                      return nullptr;
                  }});
        start();
    }
    void start() {
        auto started = Server::start({{.service = &router, .hosts = hosts()}}, options());
        ASSERT_TRUE(started) << started.error().detail;
        server = std::move(*started);
        port = server->ports().front();
    }
    RawClient connect() const { return RawClient{port}; }

    Parked parked;
    SharedBody large = std::make_shared<const std::string>(std::string(20'000'000, 'L'));
    std::atomic<int> handled{0};
    Router router;
    std::unique_ptr<Server> server;  ///< last: it ends before what it serves
    std::uint16_t port = 0;
};

inline std::string get(std::string_view path, std::string_view fields = "") {
    return "GET " + std::string{path} + " HTTP/1.1\r\nHost: h\r\n" + std::string{fields} + "\r\n";
}
inline std::string post(std::string_view path, std::string_view body, std::string_view fields = "") {
    return "POST " + std::string{path} +
           " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
           std::string{fields} + "\r\n" + std::string{body};
}

}  // namespace photogate::gateway::http::test
