// The bare Beast server that the gateway is measured against: any POST is answered 201 with the same JSON of
// some 900 bytes.
//
//     http_baseline [PORT] [THREADS]
//
// Nothing is checked, bounded or logged: it is the floor, not a server. Beast's own parser, one strand-less
// io_context a thread.
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;

std::string fixed_body() {
    std::string body =
        R"({"id":"upl_06f3y0000000000000000000","state":"created","upload":{"method":"PUT","url":"https://)";
    body.append(870 - body.size(), 'x');
    return body.append(R"("},"metadata":{}})");
}

class Session : public std::enable_shared_from_this<Session> {
  public:
    Session(tcp::socket socket, const std::string& body) : stream_(std::move(socket)), body_(body) {}

    void read() {
        request_ = {};
        http::async_read(stream_, buffer_, request_,
                         [self = shared_from_this()](beast::error_code error, std::size_t) {
                             if (!error) self->write();
                         });
    }

  private:
    void write() {
        response_ = {};
        response_.version(11);
        response_.result(http::status::created);
        response_.set(http::field::content_type, "application/json");
        response_.keep_alive(request_.keep_alive());
        response_.body() = body_;
        response_.prepare_payload();
        http::async_write(stream_, response_,
                          [self = shared_from_this()](beast::error_code error, std::size_t) {
                              if (!error) self->read();
                          });
    }

    beast::tcp_stream stream_;
    beast::flat_buffer buffer_;
    const std::string& body_;
    http::request<http::string_body> request_;
    http::response<http::string_body> response_;
};

class Door {
  public:
    Door(tcp::acceptor& acceptor, std::vector<std::unique_ptr<asio::io_context>>& lanes,
         const std::string& body)
        : acceptor_(acceptor), lanes_(lanes), body_(body) {}

    void accept() {
        acceptor_.async_accept(
            *lanes_[next_++ % lanes_.size()], [this](beast::error_code error, tcp::socket socket) {
                if (!error) {
                    socket.set_option(tcp::no_delay(true), error);
                    auto executor = socket.get_executor();
                    asio::post(executor, [session = std::make_shared<Session>(std::move(socket), body_)] {
                        session->read();
                    });
                }
                accept();
            });
    }

  private:
    tcp::acceptor& acceptor_;
    std::vector<std::unique_ptr<asio::io_context>>& lanes_;
    const std::string& body_;
    std::size_t next_ = 0;
};

}  // namespace

int main(int count, char** words) {
    const auto port = static_cast<std::uint16_t>(count > 1 ? std::atoi(words[1]) : 0);
    const int threads = count > 2 ? std::atoi(words[2]) : 2;
    const std::string body = fixed_body();
    std::vector<std::unique_ptr<asio::io_context>> lanes;
    for (int i = 0; i < threads; ++i)
        lanes.push_back(std::make_unique<asio::io_context>(1));
    tcp::acceptor acceptor(*lanes.front(), {asio::ip::make_address("127.0.0.1"), port});
    std::printf("listening on 127.0.0.1:%u\n", acceptor.local_endpoint().port());
    std::fflush(stdout);
    Door door(acceptor, lanes, body);
    door.accept();
    asio::signal_set signals(*lanes.front(), SIGINT, SIGTERM);
    signals.async_wait([&](beast::error_code, int) {
        for (auto& lane : lanes)
            lane->stop();
    });
    std::vector<std::thread> running;
    for (auto& lane : lanes) {
        running.emplace_back([&lane] {
            auto guard = asio::make_work_guard(*lane);
            lane->run();
        });
    }
    for (std::thread& thread : running)
        thread.join();
}
