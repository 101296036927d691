// A Pacer whose pauses take no time and are written down, and a client that talks to a fault server with it.
#pragma once

#include <chrono>
#include <mutex>
#include <vector>

#include "storage/objects/s3_client.hpp"
#include "tests/support/fault_server.hpp"

namespace photogate::test {

class ManualPacer final : public storage::objects::Pacer {
  public:
    std::chrono::steady_clock::time_point now() const override { return now_; }
    void pause(std::chrono::milliseconds time) override {
        pauses.push_back(time);
        now_ += time;
    }
    void advance(std::chrono::milliseconds time) { now_ += time; }

    std::vector<std::chrono::milliseconds> pauses;

  private:
    std::chrono::steady_clock::time_point now_{};
};

/// An S3Client on a fault server. Not thread safe: the pacer is the test's own.
struct FaultyStore {
    explicit FaultyStore(std::vector<Script> scripts)
        : server(std::move(scripts)), client(options(server), {http, clock, random, pacer}) {}

    static storage::objects::S3Options options(const FaultServer& server) {
        storage::objects::S3Options options;
        options.endpoint = *parse_endpoint(server.url());
        options.credentials = {"access", Secret{"secret"}, std::nullopt};
        options.timeouts.first_byte = std::chrono::milliseconds{50};
        options.timeouts.server_side_work = std::chrono::milliseconds{50};
        return options;
    }

    FaultServer server;
    storage::http::HttpClient http{{}};
    ManualClock clock{*parse_rfc3339("2026-11-20T12:00:00Z")};
    SeededRandom random{1};
    ManualPacer pacer;
    storage::objects::S3Client client;
};

inline Bucket bucket() {
    return Bucket::trusted("incoming");
}
inline ObjectKey object_key() {
    return ObjectKey::trusted("u/key");
}

}  // namespace photogate::test
