#include "storage/objects/store_capabilities.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/encoding.hpp"
#include "base/time.hpp"
#include "signer/digest.hpp"
#include "signer/signer.hpp"
#include "signer/uri_encode.hpp"
#include "storage/objects/probe_requests.hpp"

namespace photogate::storage::objects {
namespace {

constexpr std::string_view kBytes = "probe";
constexpr std::string_view kOtherBytes = "other";  // as many
constexpr std::string_view kWrongEtag = "\"00000000000000000000000000000000\"";

bool ok(const Result<http::Response>& answer) {
    return answer && answer->status >= 200 && answer->status < 300;
}
bool refused(const Result<http::Response>& answer) {
    return answer && answer->status >= 400 && answer->status < 500;
}
std::string status_of(const Result<http::Response>& answer) {
    return answer ? fmt::format("answers {}", answer->status) : answer.error().detail;
}

class Capabilities {
  public:
    Capabilities(const CapabilityTarget& target, S3Dependencies dependencies)
        : target_(target),
          dependencies_(dependencies),
          worker_(target.worker, target.store.region),
          place_(fmt::format("{}probe/{}/", target.store.prefix, random_probe_name(dependencies.random))) {}

    Result<std::vector<Capability>> run() {
        const auto first = put("first", {}, {}, kBytes);
        if (!first) return fail(first.error());
        if (!ok(first))
            return fail(ErrorCode::store_denied, fmt::format("the worker's PUT into {} is answered {}",
                                                             target_.store.incoming.str(), first->status));
        find_server(*first);
        find_sealed_puts();
        find_unsigned_headers();
        find_checksums();
        find_conditions();
        find_forms();
        find_multipart();
        find_events();
        find_cors();
        for (const auto& name : names_)
            (void)send("DELETE", name, {}, {}, {});
        return std::move(found_);
    }

  private:
    using Headers = std::vector<signer::HeaderField>;

    Timestamp now() const { return dependencies_.clock.now(); }

    signer::ObjectAddress address(const std::optional<std::string>& name) const {
        const auto& store = target_.store;
        signer::ObjectAddress made{store.internal, store.style, store.incoming, std::nullopt};
        if (name) made.key = ObjectKey::trusted(place_ + *name);
        return made;
    }

    /// `sealed` is signed; `sent` is what the client sends.
    Result<http::Response> send(std::string method, const std::optional<std::string>& name, Headers sealed,
                                const Headers& sent, std::string body,
                                std::vector<signer::Parameter> query = {}) {
        ProbeRequest request;
        request.presign.method = std::move(method);
        request.presign.address = address(name);
        request.presign.query = std::move(query);
        request.presign.headers = std::move(sealed);
        request.presign.expires = std::chrono::seconds{60};
        request.presign.at = now();
        request.headers = sent;
        request.body = std::move(body);
        return send_presigned(worker_, std::move(request), dependencies_.http);
    }

    Result<http::Response> put(const std::string& name, Headers sealed, const Headers& sent,
                               std::string_view body) {
        if (std::find(names_.begin(), names_.end(), name) == names_.end()) names_.push_back(name);
        return send("PUT", name, std::move(sealed), sent, std::string{body});
    }

    void add(std::string name, bool wanted, std::string found, std::string effect, std::string remedy = {}) {
        if (wanted) effect.clear();
        if (wanted) remedy.clear();
        found_.push_back({std::move(name), std::move(found), wanted, std::move(effect), std::move(remedy)});
    }

    /// `control`: the same request without its flaw. If that is refused too, the refusal says nothing.
    void add_refusal(std::string name, const Result<http::Response>& attempt,
                     const Result<http::Response>& control, std::string effect) {
        if (!ok(control))
            return add(std::move(name), false, "unproved: without the flaw it " + status_of(control),
                       std::move(effect));
        const bool held = refused(attempt);
        add(std::move(name), held, held ? "yes" : ok(attempt) ? "no" : status_of(attempt), std::move(effect));
    }

    void find_server(const http::Response& answer) {
        const auto* server = answer.header("server");
        add("server", true, server != nullptr ? *server : "does not say", {});
        const auto* date = answer.header("date");
        const auto said = date != nullptr ? parse_http_date(*date) : std::nullopt;
        if (!said) return add("clock.offset", false, "unknown: no Date", "an offset would not be noticed");
        const auto offset = std::chrono::duration_cast<std::chrono::seconds>(*said - now()).count();
        add("clock.offset", std::abs(offset) <= 5, fmt::format("{} s", offset),
            "grants are signed by the store's clock, which is read every minute",
            "timedatectl set-ntp true   # on the machine whose clock is wrong");
    }

    void find_sealed_puts() {
        add_refusal("put.sealed-length", put("length", {{"content-length", "5"}}, {}, "longer"),
                    put("length", {{"content-length", "5"}}, {}, kBytes),
                    "a granted URL takes files of any size: the size is held after the upload");
        add_refusal("put.sealed-type",
                    put("type", {{"content-type", "image/jpeg"}}, {{"Content-Type", "text/html"}}, kBytes),
                    put("type", {{"content-type", "image/jpeg"}}, {{"Content-Type", "image/jpeg"}}, kBytes),
                    "a granted URL takes any Content-Type: the bytes are judged after the upload");
        const Headers once{{"if-none-match", "*"}};
        const auto first = put("once", once, once, kBytes);
        const auto second = put("once", once, once, kOtherBytes);
        const bool held = ok(first) && refused(second);
        add("put.write-once", held,
            held        ? "yes"
            : ok(first) ? "no"
                        : status_of(first),
            "a granted URL can be used again until it expires: processing is pinned to one ETag");
    }

    void find_unsigned_headers() {
        const auto tried = put("unsigned", {}, {{"x-amz-meta-probe", "1"}}, kBytes);
        std::string found = refused(tried) ? "refused" : "ignored";
        if (ok(tried)) {
            const auto head = send("HEAD", "unsigned", {}, {}, {});
            if (ok(head) && head->header("x-amz-meta-probe") != nullptr) found = "obeyed";
        }
        add("put.unsigned-headers", found == "refused", found,
            "the holder of a URL can add x-amz-* headers: nothing here trusts them");

        std::string source = "/" + target_.store.incoming.str() + "/";
        signer::append_encoded_path(source, place_ + "first");
        const auto copied = put("copied", {}, {{"x-amz-copy-source", source}}, {});
        std::string copy = refused(copied) ? "refused" : "ignored";
        if (ok(copied)) {
            const auto head = send("HEAD", "copied", {}, {}, {});
            const auto* length = ok(head) ? head->header("content-length") : nullptr;
            if (length != nullptr && *length == std::to_string(kBytes.size())) copy = "obeyed";
        }
        add("put.unsigned-copy-source", copy != "obeyed", copy,
            "a URL reads what its signer may read: the signer may read nothing (proved above)");
    }

    void find_checksums() {
        const std::string right = base64(signer::sha256(kBytes));
        const Headers sealed{{"x-amz-checksum-sha256", right}};
        const auto wrong = put("checksum", sealed, sealed, kOtherBytes);
        const auto stored = put("checksum", sealed, sealed, kBytes);
        add_refusal("put.sealed-checksum", wrong, stored,
                    "other bytes than the announced are taken: the digest is held after the upload");
        const Headers ask{{"x-amz-checksum-mode", "ENABLED"}};
        const auto head = ok(stored) ? send("HEAD", "checksum", ask, ask, {}) : stored;
        const auto* told = ok(head) ? head->header("x-amz-checksum-sha256") : nullptr;
        const bool kept = told != nullptr && *told == right;
        add("head.checksum", kept, kept ? "yes" : "no", "the store does not tell the digest that it keeps");
    }

    void find_conditions() {
        const Headers wrong{{"if-match", std::string{kWrongEtag}}};
        add_refusal("get.if-match", send("GET", "first", wrong, wrong, {}), send("GET", "first", {}, {}, {}),
                    "a read may see an object that was replaced: its ETag is compared afterwards");
        const std::string source = "/" + target_.store.incoming.str() + "/" + place_ + "first";
        const Headers copy{{"x-amz-copy-source", source},
                           {"x-amz-copy-source-if-match", std::string{kWrongEtag}}};
        names_.emplace_back("copy");
        const Headers plain{{"x-amz-copy-source", source}};
        add_refusal("copy.if-match", send("PUT", "copy", copy, copy, {}),
                    send("PUT", "copy", plain, plain, {}),
                    "an original that was replaced meanwhile may be kept in its place");
        add_refusal("delete.if-match", send("DELETE", "first", wrong, wrong, {}),
                    send("DELETE", "copy", {}, {}, {}),
                    "nothing is removed on a condition: an original that was replaced goes with its upload");
    }

    Result<http::Response> post(std::string_view bytes) {
        signer::PostPolicyRequest wanted;
        wanted.address = address("form");
        wanted.conditions.push_back(
            {signer::PolicyCondition::Kind::content_length_range, {}, {}, 1, kBytes.size()});
        wanted.expires = std::chrono::seconds{60};
        wanted.at = now();
        const auto form = worker_.sign_post_policy(wanted);
        if (!form) return fail(form.error());
        const std::string boundary = random_probe_name(dependencies_.random);
        http::Request request;
        request.method = "POST";
        request.url = form->url;
        request.headers = {{"Content-Type", "multipart/form-data; boundary=" + boundary}};
        for (const auto& [name, value] : form->fields)
            request.body += fmt::format("--{}\r\nContent-Disposition: form-data; name=\"{}\"\r\n\r\n{}\r\n",
                                        boundary, name, value);
        request.body += fmt::format(
            "--{0}\r\nContent-Disposition: form-data; name=\"file\"; "
            "filename=\"f\"\r\n\r\n{1}\r\n--{0}--\r\n",
            boundary, bytes);
        request.max_response_body = kLongestProbeAnswer;
        request.cut_long_body = true;
        return dependencies_.http.send(request);
    }

    void find_forms() {
        names_.emplace_back("form");
        const auto sent = post(kBytes);
        add("post.policy", ok(sent), ok(sent) ? "yes" : status_of(sent),
            "browsers without script can't upload: grants by `post` don't work with this store");
        if (!ok(sent)) return;
        add_refusal("post.length-range", post("longer"), sent, "a form takes files of any size");
    }

    void find_multipart() {
        names_.emplace_back("parts");
        const auto begun = send("POST", "parts", {}, {}, {}, {{"uploads", ""}});
        std::string id;
        if (ok(begun)) {
            const auto start = begun->body.find("<UploadId>");
            const auto end = begun->body.find("</UploadId>");
            if (start != std::string::npos && end != std::string::npos)
                id = begun->body.substr(start + 10, end - start - 10);
        }
        if (!id.empty()) (void)send("DELETE", "parts", {}, {}, {}, {{"uploadId", id}});
        add("multipart", !id.empty(), id.empty() ? status_of(begun) : "yes",
            "large files go up in one piece, and a broken connection begins anew");
    }

    void find_events() {
        if (target_.events == CapabilityTarget::Events::direct) return add("events", true, "direct", {});
        const auto remedy = target_.store.remedies.events(target_.store.incoming, target_.store.prefix);
        const std::string effect =
            "uploads are found by listing, within a minute, unless the client calls /complete";
        const auto rules = send("GET", std::nullopt, {}, {}, {}, {{"notification", ""}});
        if (!ok(rules))
            return add("events", false, "rules can't be read: " + status_of(rules), effect, remedy);
        const bool subscribed = rules->body.find("s3:ObjectCreated") != std::string::npos;
        add("events", subscribed, subscribed ? "subscribed" : "no rule for s3:ObjectCreated", effect, remedy);
        found_.back().remedy = remedy;  // a rule alone is no proof that events arrive
    }

    void find_cors() {
        http::Request request;
        request.method = "OPTIONS";
        const auto url =
            worker_.presign({"PUT", address("first"), {}, {}, std::chrono::seconds{60}, now(), {}});
        if (!url) return add("cors", false, url.error().detail, {});
        request.url = url->url;
        request.headers = {{"Origin", target_.page_origin},
                           {"Access-Control-Request-Method", "PUT"},
                           {"Access-Control-Request-Headers", "content-type"}};
        request.max_response_body = kLongestProbeAnswer;
        request.cut_long_body = true;
        const auto answer = dependencies_.http.send(request);
        const auto* origin = answer ? answer->header("access-control-allow-origin") : nullptr;
        const bool allowed =
            ok(answer) && origin != nullptr && (*origin == "*" || *origin == target_.page_origin);
        add("cors", allowed, allowed ? "yes" : "no",
            "pages of " + target_.page_origin + " can't send to this store",
            fmt::format(
                "MINIO_API_CORS_ALLOW_ORIGIN={0}   # AWS, Ceph: aws s3api put-bucket-cors --bucket {1} "
                "--cors-configuration '{{\"CORSRules\":[{{\"AllowedOrigins\":[\"{0}\"],"
                "\"AllowedMethods\":[\"PUT\",\"POST\"],\"AllowedHeaders\":[\"*\"],"
                "\"ExposeHeaders\":[\"ETag\"]}}]}}'",
                target_.page_origin, target_.store.incoming.str()));
    }

    const CapabilityTarget& target_;
    S3Dependencies dependencies_;
    signer::Signer worker_;
    std::string place_;
    std::vector<std::string> names_;
    std::vector<Capability> found_;
};

}  // namespace

Result<std::vector<Capability>> probe_capabilities(const CapabilityTarget& target,
                                                   S3Dependencies dependencies) {
    return Capabilities{target, dependencies}.run();
}

}  // namespace photogate::storage::objects
