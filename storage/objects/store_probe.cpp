#include "storage/objects/store_probe.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/agreed_clock.hpp"
#include "base/encoding.hpp"
#include "signer/signer.hpp"
#include "signer/uri_encode.hpp"
#include "storage/http/body_source.hpp"
#include "storage/objects/probe_requests.hpp"
#include "storage/objects/store_clock.hpp"

namespace photogate::storage::objects {

namespace {

/// The result of an attempt that must fail.
enum class Outcome { refused, worked, unclear };

struct Attempt {
    Outcome outcome = Outcome::unclear;
    std::string detail;
};

Attempt attempt_of(const Result<>& result) {
    if (result) return {Outcome::worked, "it worked"};
    if (result.error().code == ErrorCode::store_denied) return {Outcome::refused, result.error().detail};
    return {Outcome::unclear, result.error().detail};
}

template <class T>
Result<> without_value(const Result<T>& result) {
    if (!result) return fail(result.error());
    return {};
}

class Probe {
  public:
    Probe(const ProbeTarget& target, ObjectStore& worker, S3Dependencies dependencies)
        : target_(target),
          worker_(worker),
          dependencies_(dependencies),
          as_signer_(S3Options{target.internal, target.style, target.signer, target.region, {}, {}},
                     dependencies),
          signer_(target.signer, target.region),
          run_(random_probe_name(dependencies.random)),
          secret_("photogate-probe-" + random_probe_name(dependencies.random)) {}

    Result<ProbeReport> run() {
        if (auto placed = place_canaries(); !placed) {
            clean_up();
            return fail(placed.error());
        }
        if (const auto clock = read_store_clock(target_.internal, dependencies_))
            if (std::chrono::abs(clock->ahead) > kClockNoise) store_is_ahead_ = clock->ahead;
        check_signer_puts();
        check_signer_reads();
        check_signer_puts_elsewhere();
        check_copy_attack();
        check_strangers();
        clean_up();
        return std::move(report_);
    }

  private:
    struct Named {
        const Bucket& bucket;
        std::string_view role;
    };
    std::array<Named, 3> buckets() const {
        return {{{target_.incoming, "incoming"},
                 {target_.published, "public"},
                 {target_.originals, "originals"}}};
    }

    ObjectKey key(std::string_view name) {
        ObjectKey made = ObjectKey::trusted(fmt::format("{}probe/{}/{}", target_.prefix, run_, name));
        used_.push_back(made);
        return made;
    }
    /// Outside the prefix under which the signer may put.
    ObjectKey outside_key(std::string_view name) {
        ObjectKey made = ObjectKey::trusted(fmt::format("probe/{}/{}", run_, name));
        used_.push_back(made);
        return made;
    }

    void add(std::string check, Verdict verdict, std::string detail, std::string remedy = {}) {
        if (verdict == Verdict::passed) remedy.clear();
        report_.findings.push_back({std::move(check), verdict, std::move(detail), std::move(remedy)});
    }

    bool has_canary(const Bucket& bucket) const {
        return std::find(with_canary_.begin(), with_canary_.end(), bucket) != with_canary_.end();
    }
    /// Why a refusal of the signer's request for this bucket says nothing; empty: it does.
    std::string doubt_of_signer(const Bucket& bucket) const {
        if (!signer_works_) return "the signer's key is refused what it may do, too (signer.put)";
        return doubt_of_bucket(bucket);
    }
    std::string doubt_of_bucket(const Bucket& bucket) const {
        if (has_canary(bucket)) return {};
        return fmt::format("nothing could be written to {} that might be found there (worker.write)",
                           bucket.str());
    }

    /// `doubt`: why being refused would say nothing; empty: it says what it should.
    void must_be_refused(std::string check, const Attempt& attempt, std::string remedy,
                         const std::string& doubt) {
        switch (attempt.outcome) {
            case Outcome::refused:
                if (!doubt.empty())
                    return add(std::move(check), Verdict::unproved,
                               "refused, which proves nothing: " + doubt);
                return add(std::move(check), Verdict::passed, "refused");
            case Outcome::worked:
                return add(std::move(check), Verdict::failed, "it worked, and must not", std::move(remedy));
            case Outcome::unclear:
                add(std::move(check), Verdict::failed, "could not be decided: " + attempt.detail,
                    std::move(remedy));
                report_.findings.back().decided = false;
                return;
        }
    }

    /// A canary in each bucket, so that a rejection is about permissions and never about a missing object.
    Result<> place_canaries() {
        canary_ = key("canary");
        const http::MemorySource body{std::string_view{secret_}};
        for (const auto& [bucket, role] : buckets()) {
            const std::string check = fmt::format("worker.write.{}", role);
            const auto put = worker_.put(bucket, canary_, body, {});
            if (!put && is_retryable(put.error().code)) return fail(put.error());
            if (!put) {
                add(check, Verdict::failed, put.error().detail, worker_remedy());
                continue;
            }
            with_canary_.push_back(bucket);
            std::string read;
            const auto got = worker_.get(bucket, canary_, {}, [&](BytesView bytes) {
                read += as_text(bytes);
                return read.size() <= secret_.size();
            });
            if (got && read == secret_) {
                add(check, Verdict::passed, "written and read");
            } else {
                add(check, Verdict::failed, got ? "read back as something else" : got.error().detail,
                    worker_remedy());
            }
        }
        return {};
    }

    std::string worker_remedy() const {
        return target_.remedies.worker(target_.incoming, target_.published, target_.originals);
    }

    Result<http::Response> presigned_put(const Endpoint& endpoint, const ObjectKey& to,
                                         std::vector<http::HeaderField> unsigned_headers, std::string body) {
        signer::PresignRequest wanted;
        wanted.method = "PUT";
        wanted.address = {endpoint, target_.style, target_.incoming, to};
        wanted.expires = std::chrono::seconds{60};
        wanted.at = dependencies_.clock.now() + store_is_ahead_;
        return send_presigned(signer_, {std::move(wanted), std::move(unsigned_headers), std::move(body)},
                              dependencies_.http);
    }

    void check_signer_puts() {
        const auto inside = presigned_put(target_.internal, key("signer"), {}, "probe");
        if (inside && inside->status == 200) {
            add("signer.put", Verdict::passed, "a presigned PUT was taken");
        } else {
            add("signer.put", Verdict::failed,
                inside ? fmt::format("a presigned PUT was answered {}", inside->status)
                       : inside.error().detail,
                target_.remedies.signer());
        }
        // Both ways of signing: the attempts that must be refused are signed in headers.
        const http::MemorySource body{std::string_view{"probe"}};
        const auto signed_put = as_signer_.put(target_.incoming, key("signer"), body, {});
        signer_works_ = inside && inside->status == 200 && signed_put;
        if (target_.public_end == target_.internal) return;
        const auto outside = presigned_put(target_.public_end, key("public-endpoint"), {}, "probe");
        if (outside && outside->status == 200) {
            add("endpoint.public", Verdict::passed, "a presigned PUT was taken at the public endpoint");
        } else if (outside) {
            add("endpoint.public", Verdict::failed,
                fmt::format("a URL signed for {} was answered {} there", target_.public_end.origin(),
                            outside->status),
                "let the proxy in front of the store pass the Host header on: nginx `proxy_set_header Host "
                "$http_host;`");
        } else {
            // Clients may reach an address that the gateway can't, for example without hairpin NAT.
            add("endpoint.public", Verdict::warning,
                fmt::format("{} could not be reached from here: {}", target_.public_end.origin(),
                            outside.error().detail),
                fmt::format("curl -sSI {}/", target_.public_end.origin()));
        }
    }

    void check_signer_reads() {
        const auto remedy = target_.remedies.signer();
        for (const auto& [bucket, role] : buckets()) {
            const auto doubt = doubt_of_signer(bucket);
            const auto got = as_signer_.get(bucket, canary_, {}, [](BytesView) { return true; });
            must_be_refused(fmt::format("signer.get.{}", role), attempt_of(without_value(got)), remedy,
                            doubt);
            must_be_refused(fmt::format("signer.head.{}", role),
                            attempt_of(without_value(as_signer_.head(bucket, canary_, {}))), remedy, doubt);
            must_be_refused(fmt::format("signer.list.{}", role),
                            attempt_of(without_value(as_signer_.list(bucket, {}))), remedy, doubt);
        }
        const ObjectKey doomed = key("signer");
        must_be_refused("signer.delete",
                        attempt_of(as_signer_.remove(target_.incoming, doomed, std::nullopt)), remedy,
                        doubt_of_signer(target_.incoming));
    }

    void check_signer_puts_elsewhere() {
        const http::MemorySource body{std::string_view{"probe"}};
        const auto remedy = target_.remedies.signer();
        const auto beside = as_signer_.put(target_.incoming, outside_key("signer"), body, {});
        must_be_refused("signer.put.outside", attempt_of(without_value(beside)), remedy,
                        doubt_of_signer(target_.incoming));
        for (const auto& [bucket, role] : buckets()) {
            if (bucket == target_.incoming) continue;
            const auto put = as_signer_.put(bucket, key("signer"), body, {});
            must_be_refused(fmt::format("signer.put.{}", role), attempt_of(without_value(put)), remedy,
                            doubt_of_signer(bucket));
        }
    }

    /// The attack of a client: the presigned URL with one more header. A store that rejects it, or ignores
    /// the header and stores an empty object, is safe; the bytes that are stored afterwards decide.
    void check_copy_attack() {
        for (const auto& [bucket, role] : buckets()) {
            const std::string check = fmt::format("signer.copy.{}", role);
            const ObjectKey to = key(fmt::format("stolen-from-{}", role));
            std::string source = "/" + bucket.str() + "/";
            signer::append_encoded_path(source, canary_.str());
            const auto answer = presigned_put(target_.internal, to, {{"x-amz-copy-source", source}}, {});
            if (!answer) {
                must_be_refused(check, {Outcome::unclear, answer.error().detail}, target_.remedies.signer(),
                                {});
                continue;
            }
            std::string landed;
            const auto got = worker_.get(target_.incoming, to, {}, [&](BytesView bytes) {
                landed += as_text(bytes.first(std::min<std::size_t>(bytes.size(), kLongestProbeAnswer)));
                return landed.size() < kLongestProbeAnswer;
            });
            if (got && landed == secret_) {
                add(check, Verdict::failed,
                    fmt::format(
                        "a granted URL with an unsigned x-amz-copy-source reads {}: the signer may read it",
                        bucket.str()),
                    target_.remedies.signer());
            } else if (!got && got.error().code != ErrorCode::store_no_such_key) {
                must_be_refused(check, {Outcome::unclear, got.error().detail}, target_.remedies.signer(), {});
            } else if (answer->status == 200) {
                add(check, Verdict::passed, "the header was not obeyed");
            } else {
                must_be_refused(check, {Outcome::refused, {}}, {}, doubt_of_signer(bucket));
            }
        }
    }

    std::string plain_url(const Bucket& bucket, const ObjectKey* at, std::string_view query) const {
        const bool in_path = target_.style == signer::AddressingStyle::path;
        Endpoint endpoint = target_.internal;
        if (!in_path) endpoint.host = bucket.str() + "." + endpoint.host;
        std::string url = endpoint.origin() + "/";
        if (in_path) url += bucket.str() + (at != nullptr ? "/" : "");
        if (at != nullptr) signer::append_encoded_path(url, at->str());
        url += query;
        return url;
    }

    Result<http::Response> as_stranger(std::string method, std::string url) {
        http::Request request;
        request.method = std::move(method);
        request.url = std::move(url);
        if (request.method == "PUT") request.body = "probe";
        request.max_response_body = kLongestProbeAnswer;
        request.cut_long_body = true;
        return dependencies_.http.send(request);
    }

    static Attempt stranger_attempt(const Result<http::Response>& answer) {
        if (!answer) return {Outcome::unclear, answer.error().detail};
        if (answer->status >= 200 && answer->status < 300) return {Outcome::worked, "it worked"};
        const bool refused =
            answer->status == 401 || answer->status == 403 || answer->status == 404 || answer->status == 405;
        return {refused ? Outcome::refused : Outcome::unclear,
                fmt::format("the store says {}", answer->status)};
    }

    void check_strangers() {
        for (const auto& [bucket, role] : buckets()) {
            const auto remedy = target_.remedies.closed(bucket);
            const auto read = as_stranger("GET", plain_url(bucket, &canary_, ""));
            if (bucket == target_.published &&
                target_.public_bucket == ProbeTarget::PublicBucket::may_be_open) {
                check_content_type_override(read);
            } else {
                must_be_refused(fmt::format("stranger.get.{}", role), stranger_attempt(read), remedy,
                                doubt_of_bucket(bucket));
            }
            must_be_refused(fmt::format("stranger.list.{}", role),
                            stranger_attempt(as_stranger("GET", plain_url(bucket, nullptr, "?list-type=2"))),
                            remedy, doubt_of_bucket(bucket));
            const ObjectKey at = key("stranger");
            must_be_refused(fmt::format("stranger.put.{}", role),
                            stranger_attempt(as_stranger("PUT", plain_url(bucket, &at, ""))), remedy,
                            doubt_of_bucket(bucket));
        }
    }

    /// If anonymous clients can read the public bucket, they must not be able to choose the Content-Type.
    void check_content_type_override(const Result<http::Response>& read) {
        const std::string check = "stranger.content-type.public";
        if (stranger_attempt(read).outcome != Outcome::worked) {
            if (const auto doubt = doubt_of_bucket(target_.published); !doubt.empty())
                return add(check, Verdict::unproved, "not readable, which proves nothing: " + doubt);
            return add(check, Verdict::passed, "the public bucket is not readable without a key");
        }
        const auto answer =
            as_stranger("GET", plain_url(target_.published, &canary_, "?response-content-type=text%2Fhtml"));
        const std::string* type = answer ? answer->header("content-type") : nullptr;
        if (answer && answer->status == 200 && type != nullptr && type->starts_with("text/html")) {
            return add(
                check, Verdict::warning,
                "readers of the public bucket choose the Content-Type: a picture can be served as a page",
                target_.remedies.closed(target_.published) +
                    "   # photogate serves the images; or drop the query string in the proxy in front of the "
                    "store");
        }
        add(check, Verdict::passed, "the public bucket is readable, and its content types are fixed");
    }

    void clean_up() {
        std::sort(used_.begin(), used_.end());
        used_.erase(std::unique(used_.begin(), used_.end()), used_.end());
        for (const auto& [bucket, role] : buckets()) {
            if (!has_canary(bucket) && !signer_works_) continue;  // nothing was written to it
            const auto left = worker_.remove_many(bucket, used_);
            if (left && left->empty()) continue;
            add(fmt::format("probe.cleanup.{}", role), Verdict::warning,
                left ? left->front().error.detail : left.error().detail,
                target_.remedies.removal(bucket, fmt::format("{}probe/{}/", target_.prefix, run_)));
        }
    }

    const ProbeTarget& target_;
    ObjectStore& worker_;
    S3Dependencies dependencies_;
    S3Client as_signer_;
    std::chrono::microseconds store_is_ahead_{};
    signer::Signer signer_;
    std::string run_;
    std::string secret_;
    ObjectKey canary_;
    std::vector<Bucket> with_canary_;
    bool signer_works_ = false;  ///< it may do what it must
    std::vector<ObjectKey> used_;
    ProbeReport report_;
};

}  // namespace

std::string_view to_string(Verdict verdict) {
    switch (verdict) {
        case Verdict::passed:
            return "passed";
        case Verdict::failed:
            return "failed";
        case Verdict::warning:
            return "warning";
        case Verdict::unproved:
            return "unproved";
    }
    return "?";
}

bool ProbeReport::safe() const {
    return std::none_of(findings.begin(), findings.end(), [](const Finding& finding) {
        return finding.verdict == Verdict::failed || finding.verdict == Verdict::unproved;
    });
}

Result<ProbeReport> probe_store(const ProbeTarget& target, ObjectStore& worker, S3Dependencies dependencies) {
    return Probe{target, worker, dependencies}.run();
}

}  // namespace photogate::storage::objects
