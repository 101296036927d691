// The bare Beast server that is the gateway's baseline: every request gets the same response, byte for byte
// the one in ANSWER.
//
//     http_baseline PORT THREADS [ANSWER]
//
// ANSWER is a file with one HTTP/1.1 response as it went over the wire, head and body; without it the answer
// is a 201 with some 900 bytes of JSON. Nothing is checked, bounded or logged: it is a lower bound, not a
// server. Beast's own parser and serializer, one strand-less io_context a thread.
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
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
using Answer = http::response<http::string_body>;

Answer made_up_answer() {
    Answer answer{http::status::created, 11};
    answer.set(http::field::content_type, "application/json");
    std::string body =
        R"({"id":"upl_06f3y0000000000000000000","state":"created","upload":{"method":"PUT","url":"https://)";
    body.append(870 - body.size(), 'x');
    answer.body() = body.append(R"("},"metadata":{}})");
    answer.prepare_payload();
    return answer;
}

Answer recorded_answer(const char* path) {
    std::ifstream file(path, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    http::response_parser<http::string_body> parser;
    parser.eager(true);
    beast::error_code error;
    parser.put(asio::buffer(text), error);
    if (error || !parser.is_done()) {
        std::fprintf(stderr, "%s is no whole HTTP response\n", path);
        std::exit(2);
    }
    return parser.release();
}

class Session : public std::enable_shared_from_this<Session> {
  public:
    Session(tcp::socket socket, const Answer& answer) : stream_(std::move(socket)), answer_(answer) {}

    void read() {
        request_ = {};
        http::async_read(stream_, buffer_, request_,
                         [self = shared_from_this()](beast::error_code error, std::size_t) {
                             if (!error) self->write();
                         });
    }

  private:
    void write() {
        response_ = answer_;
        response_.keep_alive(request_.keep_alive());
        http::async_write(stream_, response_,
                          [self = shared_from_this()](beast::error_code error, std::size_t) {
                              if (!error) self->read();
                          });
    }

    beast::tcp_stream stream_;
    beast::flat_buffer buffer_;
    const Answer& answer_;
    http::request<http::string_body> request_;
    Answer response_;
};

class Door {
  public:
    Door(tcp::acceptor& acceptor, std::vector<std::unique_ptr<asio::io_context>>& lanes, const Answer& answer)
        : acceptor_(acceptor), lanes_(lanes), answer_(answer) {}

    void accept() {
        acceptor_.async_accept(
            *lanes_[next_++ % lanes_.size()], [this](beast::error_code error, tcp::socket socket) {
                if (!error) {
                    socket.set_option(tcp::no_delay(true), error);
                    auto executor = socket.get_executor();
                    asio::post(executor, [session = std::make_shared<Session>(std::move(socket), answer_)] {
                        session->read();
                    });
                }
                accept();
            });
    }

  private:
    tcp::acceptor& acceptor_;
    std::vector<std::unique_ptr<asio::io_context>>& lanes_;
    const Answer& answer_;
    std::size_t next_ = 0;
};

}  // namespace

int main(int count, char** words) {
    const auto port = static_cast<std::uint16_t>(count > 1 ? std::atoi(words[1]) : 0);
    const int threads = count > 2 ? std::atoi(words[2]) : 2;
    const Answer answer = count > 3 ? recorded_answer(words[3]) : made_up_answer();
    std::vector<std::unique_ptr<asio::io_context>> lanes;
    for (int i = 0; i < threads; ++i)
        lanes.push_back(std::make_unique<asio::io_context>(1));
    tcp::acceptor acceptor(*lanes.front(), {asio::ip::make_address("127.0.0.1"), port});
    std::printf("listening on 127.0.0.1:%u\n", acceptor.local_endpoint().port());
    std::fflush(stdout);
    Door door(acceptor, lanes, answer);
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
