// Presigned PUT URLs per second on one core, against the minimum of any signer: one SHA-256 of the canonical
// request and one HMAC of the string to sign.
//
//   presign_bench --benchmark_min_time=2 --benchmark_repetitions=5 --benchmark_report_aggregates_only=true
#include <benchmark/benchmark.h>

#include "base/endpoint.hpp"
#include "base/random.hpp"
#include "base/words.hpp"
#include "signer/digest.hpp"
#include "signer/signer.hpp"

namespace {

using namespace photogate;
using namespace photogate::signer;

Signer make_signer() {
    return Signer{{"AKIAIOSFODNN7EXAMPLE", Secret{"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}, std::nullopt},
                  *parse_region("eu-central-1")};
}

/// What the gateway signs for one upload: length, type and write-once as headers that the client must send.
PresignRequest make_request() {
    PresignRequest request;
    request.method = "PUT";
    request.address.endpoint = *parse_endpoint("https://uploads.example.com");
    request.address.bucket = *parse_bucket("incoming");
    request.address.key = *parse_object_key("u/202611201234/upl_06f3k2m9x0a1b2c3d4e5f6g7h8/original.jpg");
    request.headers = {{"Content-Length", "3481129"}, {"Content-Type", "image/jpeg"}, {"If-None-Match", "*"}};
    request.at = *parse_rfc3339("2026-11-20T12:34:56Z");
    return request;
}

void presigned_put_urls(benchmark::State& state) {
    const auto signer = make_signer();
    auto request = make_request();
    // A different key each time, of the same length, so that every iteration costs the same.
    std::vector<ObjectKey> keys;
    SeededRandom random{1};
    for (int i = 0; i < 1024; ++i) {
        keys.push_back(*parse_object_key("u/202611201234/" + make_upload_id(request.at, random).str() +
                                         "/original.jpg"));
    }
    std::size_t i = 0;
    for (auto _ : state) {
        request.address.key = keys[i++ % keys.size()];
        auto url = signer.presign(request);
        if (!url) state.SkipWithError("refused");
        benchmark::DoNotOptimize(url);
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(presigned_put_urls);

/// Only the HMAC that each URL needs, with a prepared key.
void one_hmac(benchmark::State& state) {
    const HmacKey key{as_bytes("a key of thirty-two bytes exactly")};
    const auto stages = *make_signer().explain(make_request());
    for (auto _ : state)
        benchmark::DoNotOptimize(key.sign(stages.string_to_sign));
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(one_hmac);

/// The lower bound of any SigV4 signer: the HMAC, and the digest of the canonical request.
void one_digest_and_one_hmac(benchmark::State& state) {
    const HmacKey key{as_bytes("a key of thirty-two bytes exactly")};
    const auto stages = *make_signer().explain(make_request());
    for (auto _ : state) {
        benchmark::DoNotOptimize(sha256(stages.canonical_request));
        benchmark::DoNotOptimize(key.sign(stages.string_to_sign));
    }
    state.SetItemsProcessed(state.iterations());
}
BENCHMARK(one_digest_and_one_hmac);

}  // namespace

BENCHMARK_MAIN();
