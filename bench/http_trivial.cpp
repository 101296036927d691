// The gateway's HTTP core alone, with the response of http_baseline, including all its checks: routes,
// limits, deadlines, metrics. The difference between the two is the cost of the core.
//
//     http_trivial [PORT] [THREADS]
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "gateway/http/http_metrics.hpp"
#include "gateway/http/router.hpp"
#include "gateway/http/server.hpp"

int main(int count, char** words) {
    namespace http = photogate::gateway::http;
    std::string body =
        R"({"id":"upl_06f3y0000000000000000000","state":"created","upload":{"method":"PUT","url":"https://)";
    body.append(870 - body.size(), 'x').append(R"("},"metadata":{}})");
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);

    photogate::telemetry::Metrics metrics;
    http::HttpMetrics observer(metrics);
    http::Router router;
    router.add({.method = http::Method::post,
                .pattern = "/v1/uploads",
                .handler = http::answer_with([&](http::Request&) { return http::Response::json(201, body); }),
                .body_limit = 65'536});
    auto server = http::Server::start(
        {{.port = static_cast<std::uint16_t>(count > 1 ? std::atoi(words[1]) : 0), .service = &router}},
        {.threads = static_cast<std::size_t>(count > 2 ? std::atoi(words[2]) : 2),
         .access_log = http::AccessLog::none,
         .observer = &observer});
    if (!server) {
        std::fprintf(stderr, "%s\n", server.error().detail.c_str());
        return 3;
    }
    (*server)->stats();
    std::printf("listening on 127.0.0.1:%u\n", (*server)->ports().front());
    std::fflush(stdout);
    int signal = 0;
    sigwait(&ends, &signal);
    (*server)->drain(std::chrono::seconds{5});
}
