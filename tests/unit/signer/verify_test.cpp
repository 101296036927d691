#include "signer/verify.hpp"

#include <algorithm>
#include <functional>
#include <ostream>

#include <gtest/gtest.h>

#include "base/random.hpp"
#include "signer/canonical_request.hpp"
#include "signer/signing_key.hpp"
#include "tests/unit/signer/examples.hpp"

namespace photogate::signer {

namespace {

using Fault = SignatureFault;
using std::chrono::minutes;
using std::chrono::seconds;

const Timestamp kSigned = *parse_amz_date("20261120T123456Z");

Verifier documented_verifier() {
    return Verifier{{documented_credentials()}, *parse_region("us-east-1")};
}

/// A request as a server receives it; a test changes what it likes and looks at the answer.
struct Sent {
    std::string method;
    std::string target;
    std::vector<HeaderField> headers;
    Timestamp now = kSigned;

    Verification<VerifiedRequest> verified(const Verifier& verifier = documented_verifier()) const {
        return verifier.verify(ReceivedRequest{method, target, http::semantics::views_of(headers), now});
    }
    std::optional<Fault> fault(const Verifier& verifier = documented_verifier()) const {
        const auto answer = verified(verifier);
        return answer ? std::nullopt : std::optional{answer.error().fault};
    }
    std::string& header(std::string_view name) {
        return std::find_if(headers.begin(), headers.end(),
                            [&](const auto& each) { return each.name == name; })
            ->value;
    }
    void replace(std::string_view what, std::string_view with) {
        target.replace(target.find(what), what.size(), with);
    }
};

/// Host and target of a URL.
Sent received(const std::string& method, const std::string& url, std::vector<HeaderField> headers) {
    const auto host = url.find("://") + 3, path = url.find('/', host);
    headers.insert(headers.begin(), {"Host", url.substr(host, path - host)});
    return {method, url.substr(path), std::move(headers)};
}

Sent presigned(const PresignRequest& request = put_request(), const Signer& signer = documented_signer()) {
    const auto made = signer.presign(request).value();
    return received(request.method, made.url, made.headers);
}

HeaderSignRequest get_request() {
    HeaderSignRequest request;
    request.method = "GET";
    request.address = address("http://127.0.0.1:9000", "incoming", "a b/ü.jpg");
    request.query = {{"versionId", "7"}, {"response-content-type", "image/jpeg"}};
    request.headers = {{"Range", "bytes=0-9"}, {"x-amz-checksum-mode", "ENABLED"}, {"User-Agent", "test"}};
    request.payload_sha256 = kEmptyPayload;
    request.at = kSigned;
    return request;
}

Sent header_signed(const HeaderSignRequest& request = get_request(),
                   const Signer& signer = documented_signer()) {
    const auto made = signer.sign_headers(request).value();
    return received(request.method, made.url, made.headers);
}

TEST(Verify, accepts_presigned_url_and_reports_what_was_signed) {
    auto request = put_request();
    request.query = {{"partNumber", "7"}, {"uploadId", "a+b/c="}};
    const auto answer = presigned(request).verified();
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_EQ(answer->access_key_id, "AKIAIOSFODNN7EXAMPLE");
    EXPECT_EQ(answer->path, "/incoming/u/202611201234/upl_1/a b.jpg");
    EXPECT_EQ(answer->query, request.query);
    EXPECT_EQ(answer->signed_headers,
              (std::vector<std::string>{"content-length", "content-type", "host", "if-none-match"}));
    EXPECT_EQ(answer->payload_hash, "UNSIGNED-PAYLOAD");
    EXPECT_EQ(answer->expires_at, kSigned + seconds{900});
}

TEST(Verify, accepts_signed_header_and_reports_body_requirements) {
    const auto answer = header_signed().verified();
    ASSERT_TRUE(answer) << answer.error().detail;
    EXPECT_EQ(answer->path, "/incoming/a b/ü.jpg");
    EXPECT_EQ(answer->payload_hash, kEmptyPayload);
    EXPECT_EQ(answer->expires_at, std::nullopt);
}

TEST(Verify, accepts_documented_request) {
    // AWS "sigv4-query-string-auth".
    Sent sent{"GET",
              "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE/20130524/"
              "us-east-1/s3/aws4_request"
              "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
              "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
              {{"Host", "examplebucket.s3.amazonaws.com"}},
              *parse_amz_date("20130524T120000Z")};
    EXPECT_EQ(sent.fault(), std::nullopt);
}

TEST(Verify, rejects_each_tampering_with_presigned_url) {
    const std::vector<std::pair<const char*, std::function<void(Sent&)>>> tamperings = {
        {"method", [](Sent& s) { s.method = "GET"; }},
        {"key", [](Sent& s) { s.replace("upl_1", "upl_2"); }},
        {"bucket", [](Sent& s) { s.replace("/incoming/", "/public/"); }},
        {"host", [](Sent& s) { s.header("Host") = "127.0.0.1:9001"; }},
        {"host's case", [](Sent& s) { s.header("Host") = "LOCALHOST:9000"; }},
        {"a parameter added", [](Sent& s) { s.target += "&partNumber=1"; }},
        {"a sub-resource added", [](Sent& s) { s.target += "&acl"; }},
        {"a longer life", [](Sent& s) { s.replace("X-Amz-Expires=900", "X-Amz-Expires=901"); }},
        {"another second", [](Sent& s) { s.replace("T123456Z", "T123457Z"); }},
        {"a header's value", [](Sent& s) { s.header("Content-Length") = "4712"; }},
        {"a header's case", [](Sent& s) { s.header("Content-Type") = "image/JPEG"; }},
        {"a charset added", [](Sent& s) { s.header("Content-Type") = "image/jpeg; charset=utf-8"; }},
        {"a signed header twice",
         [](Sent& s) {
             s.headers.push_back({"Content-Type", "text/html"});
         }},
        {"a hash in the query",
         [](Sent& s) { s.target += "&X-Amz-Content-Sha256=" + std::string{kEmptyPayload}; }},
        {"a hash in a header",
         [](Sent& s) {
             s.headers.push_back({"x-amz-content-sha256", std::string{kEmptyPayload}});
         }},
        {"fewer signed headers", [](Sent& s) { s.replace("content-length%3B", ""); }},
        {"a token added", [](Sent& s) { s.target += "&X-Amz-Security-Token=x"; }},
        {"the path normalised", [](Sent& s) { s.replace("/u/", "/./u/"); }},
        {"the last digit", [](Sent& s) { s.target.back() = s.target.back() == '0' ? '1' : '0'; }},
    };
    for (const auto& [name, tamper] : tamperings) {
        auto sent = presigned();
        ASSERT_EQ(sent.fault(), std::nullopt);
        tamper(sent);
        EXPECT_EQ(sent.fault(), Fault::mismatch) << name;
    }
}

TEST(Verify, rejects_each_tampering_with_signed_header) {
    const std::vector<std::pair<const char*, std::function<void(Sent&)>>> tamperings = {
        {"method", [](Sent& s) { s.method = "DELETE"; }},
        {"key", [](Sent& s) { s.replace("a%20b", "a%20c"); }},
        {"query", [](Sent& s) { s.replace("versionId=7", "versionId=8"); }},
        {"parameter gone", [](Sent& s) { s.replace("versionId=7&", ""); }},
        {"range", [](Sent& s) { s.header("Range") = "bytes=0-10"; }},
        {"body", [](Sent& s) { s.header("x-amz-content-sha256") = std::string(64, '0'); }},
        {"time", [](Sent& s) { s.header("x-amz-date") = "20261120T123457Z"; }},
    };
    for (const auto& [name, tamper] : tamperings) {
        auto sent = header_signed();
        ASSERT_EQ(sent.fault(), std::nullopt);
        tamper(sent);
        EXPECT_EQ(sent.fault(), Fault::mismatch) << name;
    }
}

TEST(Verify, reports_wrong_secret_as_mismatch_and_wrong_key_id_as_unknown) {
    const auto sent = presigned();
    const auto region = *parse_region("us-east-1");
    EXPECT_EQ(sent.fault(Verifier{{{"AKIAIOSFODNN7EXAMPLE", Secret{"another"}, std::nullopt}}, region}),
              Fault::mismatch);
    EXPECT_EQ(sent.fault(Verifier{{{"AKIAIOSFODNN7EXAMPLF", Secret{"another"}, std::nullopt}}, region}),
              Fault::unknown_key);
    EXPECT_EQ(sent.fault(Verifier{{}, region}), Fault::unknown_key);
    EXPECT_EQ(
        sent.fault(Verifier{{{"other", Secret{"another"}, std::nullopt}, documented_credentials()}, region}),
        std::nullopt);
}

TEST(Verify, accepts_url_from_fifteen_minutes_before_its_date_to_its_expiry) {
    auto sent = presigned();
    sent.now = kSigned + seconds{900};
    EXPECT_EQ(sent.fault(), std::nullopt);
    sent.now = kSigned + seconds{900} + std::chrono::microseconds{1};
    EXPECT_EQ(sent.fault(), Fault::expired);
    sent.now = kSigned - minutes{15};
    EXPECT_EQ(sent.fault(), std::nullopt);
    sent.now = kSigned - minutes{15} - seconds{1};
    EXPECT_EQ(sent.fault(), Fault::not_yet_valid);
}

TEST(Verify, accepts_signed_header_within_fifteen_minutes) {
    auto sent = header_signed();
    for (auto distance : {minutes{15}, minutes{-15}}) {
        sent.now = kSigned + distance;
        EXPECT_EQ(sent.fault(), std::nullopt);
        sent.now = kSigned + distance + (distance > minutes{0} ? seconds{1} : seconds{-1});
        EXPECT_EQ(sent.fault(), Fault::clock_skew);
    }
}

TEST(Verify, rejects_unsigned_amz_headers) {
    for (const char* name : {"x-amz-copy-source", "X-Amz-Acl", "x-amz-tagging", "x-amz-meta-a",
                             "X-AMZ-OBJECT-LOCK-MODE", "x-amz-security-token", "X-Minio-Source-Mtime"}) {
        auto sent = presigned();
        sent.headers.push_back({name, "x"});
        EXPECT_EQ(sent.fault(), Fault::unsigned_header) << name;
        sent = header_signed();
        sent.headers.push_back({name, "x"});
        EXPECT_NE(sent.fault(), std::nullopt) << name;
    }
    auto sent = presigned();
    sent.headers.push_back({"Cache-Control", "max-age=1"});
    EXPECT_EQ(sent.fault(), std::nullopt) << "headers that are not S3's own may be added";
}

TEST(Verify, requires_signed_headers_to_be_present) {
    auto sent = presigned();
    std::erase_if(sent.headers, [](const auto& header) { return header.name == "If-None-Match"; });
    EXPECT_EQ(sent.fault(), Fault::signed_header_absent);
}

TEST(Verify, requires_matching_region_service_and_day) {
    const auto sent = presigned();
    EXPECT_EQ(sent.fault(Verifier{{documented_credentials()}, *parse_region("eu-central-1")}),
              Fault::wrong_scope);
    EXPECT_EQ(sent.fault(Verifier{{documented_credentials()}, *parse_region("us-east-1"), "sts"}),
              Fault::wrong_scope);
    auto other_day = presigned();
    other_day.replace("%2F20261120%2F", "%2F20261119%2F");
    EXPECT_EQ(other_day.fault(), Fault::wrong_scope);
}

TEST(Verify, canonicalises_equivalent_client_spellings) {
    auto request = put_request();
    request.address = address("http://127.0.0.1:9000", "incoming", "a!b'c(d)*e/ü f.jpg");
    request.headers = {{"x-amz-meta-note", "two   spaces"}};
    auto sent = presigned(request);
    // Raw marks and lower-case escapes in the path, `/` and `;` raw in the query, the query's order turned
    // round.
    sent.replace("a%21b%27c%28d%29%2Ae", "a!b'c(d)*e");
    sent.replace("%C3%BC", "%c3%bc");
    while (sent.target.find("%2F") != std::string::npos)
        sent.replace("%2F", "/");
    sent.replace("%3B", ";");
    const auto question = sent.target.find('?');
    auto query = sent.target.substr(question + 1);
    const auto first = query.find('&');
    sent.target =
        sent.target.substr(0, question + 1) + query.substr(first + 1) + "&" + query.substr(0, first);
    sent.header("x-amz-meta-note") = "  two spaces ";
    sent.headers.back().name = "X-Amz-Meta-Note";
    const auto answer = sent.verified();
    ASSERT_TRUE(answer) << answer.error().detail << '\n' << sent.target;
    EXPECT_EQ(answer->path, "/incoming/a!b'c(d)*e/ü f.jpg");
}

TEST(Verify, requires_the_session_token_of_the_key) {
    auto credentials = documented_credentials();
    credentials.session_token = Secret{"to+ken/=="};
    const Verifier with_token{{credentials}, *parse_region("us-east-1")};
    const auto signer = signer_with_token("to+ken/==");
    EXPECT_EQ(presigned(put_request(), signer).fault(with_token), std::nullopt);
    EXPECT_EQ(header_signed(get_request(), signer).fault(with_token), std::nullopt);
    EXPECT_EQ(presigned().fault(with_token), Fault::wrong_token) << "none";
    EXPECT_EQ(presigned(put_request(), signer_with_token("another")).fault(with_token), Fault::wrong_token);
    EXPECT_EQ(presigned(put_request(), signer).fault(), Fault::wrong_token) << "not asked for";
    EXPECT_EQ(header_signed(get_request(), signer).fault(), Fault::wrong_token);
}

TEST(Verify, requires_body_hash_given_in_query) {
    auto request = put_request();
    request.payload_sha256 = std::string{kEmptyPayload};
    EXPECT_EQ(presigned(request).verified()->payload_hash, kEmptyPayload);
    auto sent = presigned(request);
    sent.headers.push_back({"x-amz-content-sha256", std::string(64, '0')});
    EXPECT_EQ(sent.fault(), Fault::malformed);
}

TEST(Verify, reports_unsigned_request_as_missing_signature) {
    const Sent bare{"GET", "/incoming/a?versionId=1", {{"Host", "h"}}};
    EXPECT_EQ(bare.fault(), Fault::missing);
}

TEST(Verify, reports_unreadable_query_as_malformed) {
    const std::vector<std::pair<const char*, std::function<void(Sent&)>>> breakages = {
        {"no slash", [](Sent& s) { s.target.erase(0, 1); }},
        {"empty target", [](Sent& s) { s.target.clear(); }},
        {"escape in the path", [](Sent& s) { s.replace("a%20b", "a%2"); }},
        {"escape in the query", [](Sent& s) { s.target += "&a=%g0"; }},
        {"no host", [](Sent& s) { s.headers.erase(s.headers.begin()); }},
        {"two hosts",
         [](Sent& s) {
             s.headers.push_back({"host", "other"});
         }},
        {"both ways",
         [](Sent& s) {
             s.headers.push_back({"Authorization", "AWS4-HMAC-SHA256 x"});
         }},
        {"two signatures", [](Sent& s) { s.target += "&X-Amz-Signature=" + std::string(64, '0'); }},
        {"two expiries", [](Sent& s) { s.target += "&X-Amz-Expires=1"; }},
        {"no signature", [](Sent& s) { s.replace("&X-Amz-Signature=", "&x="); }},
        {"no date", [](Sent& s) { s.replace("X-Amz-Date=", "y="); }},
        {"another algorithm", [](Sent& s) { s.replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"); }},
        {"a short signature", [](Sent& s) { s.target.pop_back(); }},
        {"an upper-case signature", [](Sent& s) { s.target.back() = 'F'; }},
        {"no date at all", [](Sent& s) { s.replace("20261120T123456Z", "yesterday"); }},
        {"no expiry", [](Sent& s) { s.replace("X-Amz-Expires=900", "X-Amz-Expires=0"); }},
        {"too long", [](Sent& s) { s.replace("X-Amz-Expires=900", "X-Amz-Expires=604801"); }},
        {"negative", [](Sent& s) { s.replace("X-Amz-Expires=900", "X-Amz-Expires=-1"); }},
        {"no number", [](Sent& s) { s.replace("X-Amz-Expires=900", "X-Amz-Expires=9e2"); }},
        {"far too long",
         [](Sent& s) { s.replace("X-Amz-Expires=900", "X-Amz-Expires=99999999999999999999"); }},
        {"credential cut short", [](Sent& s) { s.replace("%2Fus-east-1%2Fs3%2Faws4_request", ""); }},
        {"credential's end", [](Sent& s) { s.replace("aws4_request", "aws5_request"); }},
        {"host not signed", [](Sent& s) { s.replace("host%3B", ""); }},
        {"a signed header named twice", [](Sent& s) { s.replace("host%3B", "host%3Bhost%3B"); }},
        {"an empty name", [](Sent& s) { s.replace("host%3B", "host%3B%3B"); }},
        {"upper case names", [](Sent& s) { s.replace("host%3B", "Host%3Bhost%3B"); }},
    };
    for (const auto& [name, damage] : breakages) {
        auto sent = presigned();
        damage(sent);
        EXPECT_EQ(sent.fault(), Fault::malformed) << name;
    }
}

TEST(Verify, reports_unreadable_authorization_header_as_malformed) {
    const auto good = header_signed().header("Authorization");
    for (const auto& text : {std::string{"AWS4-HMAC-SHA256"}, std::string{"Basic dTpw"}, std::string{},
                             good + ", Signature=0", good.substr(0, good.find(", Signature")), good + ",x",
                             "x" + good, std::string{"AWS4-HMAC-SHA256 ,,,"}}) {
        auto sent = header_signed();
        sent.header("Authorization") = text;
        EXPECT_EQ(sent.fault(), Fault::malformed) << text;
    }
    for (const auto& [name, fault] :
         {std::pair{"x-amz-date", Fault::no_date}, {"x-amz-content-sha256", Fault::no_payload_hash}}) {
        auto sent = header_signed();
        std::erase_if(sent.headers, [&](const auto& header) { return header.name == name; });
        EXPECT_EQ(sent.fault(), fault) << name;
    }
    for (const char* hash :
         {"", "none", "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855"}) {
        auto hashed = header_signed();
        hashed.header("x-amz-content-sha256") = hash;
        EXPECT_EQ(hashed.fault(), Fault::bad_payload_hash) << hash;
    }
    auto sent = header_signed();  // the documentation shows both with and without a space
    auto& text = sent.header("Authorization");
    for (auto at = text.find(", "); at != std::string::npos; at = text.find(", "))
        text.erase(at + 1, 1);
    EXPECT_EQ(sent.fault(), std::nullopt);
}

/// A GET of `/incoming/k`, dated by the header Date alone.
Sent dated_by(const std::string& date, const std::string& signed_headers = "date;host;x-amz-content-sha256") {
    std::vector<HeaderView> lines{{"host", "127.0.0.1:9000"}};
    if (signed_headers.starts_with("date")) lines.push_back({"date", date});
    const std::string hash{kEmptyPayload};
    lines.push_back({"x-amz-content-sha256", hash});
    const auto headers = canonical_headers(lines);
    const SigningKeyCache keys{documented_credentials(), *parse_region("us-east-1"), "s3"};
    const auto key = keys.at(kSigned);
    const auto canonical = canonical_request({.method = "GET",
                                              .path = "/incoming/k",
                                              .query = "",
                                              .header_lines = headers.lines,
                                              .header_names = headers.names,
                                              .payload_hash = hash});
    const auto signature = key->sign(string_to_sign(AmzDate{kSigned}, key->scope, canonical));
    return {"GET",
            "/incoming/k",
            {{"Host", "127.0.0.1:9000"},
             {"Date", date},
             {"x-amz-content-sha256", hash},
             {"Authorization", "AWS4-HMAC-SHA256 Credential=" + key->credential +
                                   ", SignedHeaders=" + signed_headers + ", Signature=" + signature}}};
}

TEST(Verify, accepts_date_in_place_of_x_amz_date) {
    EXPECT_EQ(dated_by("Fri, 20 Nov 2026 12:34:56 GMT").fault(), std::nullopt);
    EXPECT_EQ(dated_by("20261120T123456Z").fault(), std::nullopt);
    // The time is part of what is signed, whether or not the header is.
    EXPECT_EQ(dated_by("Fri, 20 Nov 2026 12:34:56 GMT", "host;x-amz-content-sha256").fault(), std::nullopt);
    auto later = dated_by("Fri, 20 Nov 2026 12:34:56 GMT", "host;x-amz-content-sha256");
    later.header("Date") = "Fri, 20 Nov 2026 12:34:57 GMT";
    EXPECT_EQ(later.fault(), Fault::mismatch);
    EXPECT_EQ(dated_by("yesterday").fault(), Fault::no_date);
    auto old = dated_by("Fri, 20 Nov 2026 12:34:56 GMT");
    old.now = kSigned + minutes{16};
    EXPECT_EQ(old.fault(), Fault::clock_skew);
}

TEST(Verify, prefers_x_amz_date_to_date) {
    auto sent = header_signed();
    sent.headers.push_back({"Date", "Thu, 01 Jan 1998 00:00:00 GMT"});
    EXPECT_EQ(sent.fault(), std::nullopt);
    sent.header("x-amz-date") = "yesterday";
    EXPECT_EQ(sent.fault(), Fault::no_date);
}

TEST(Verify, maps_every_fault_to_an_error) {
    for (int i = 0; i <= static_cast<int>(Fault::policy_violated); ++i) {
        const auto fault = static_cast<Fault>(i);
        EXPECT_GE(s3_refusal(fault).status, 400);
        EXPECT_FALSE(s3_refusal(fault).code.empty());
        EXPECT_GE(http_status(to_error({fault, "x"}).code), 400);
    }
    EXPECT_EQ(s3_refusal(Fault::mismatch).code, "SignatureDoesNotMatch");
}

std::string awkward(Random& random, std::size_t most) {
    static const std::vector<std::string> parts = {
        "a",   "Z",   "0", " ",    "+", "%",  "~",  "/",    "//",   "..", "/../", "/./", "&",  "=",
        "?",   "#",   ":", ";",    ",", "@",  "!",  "'",    "(",    ")",  "*",    "[",   "\\", "\"",
        "%2F", "%25", "ü", "日本", "😀", "\t", "\n", "\x01", "\x7f", "-",  "_",    "."};
    std::string out;
    const auto length = 1 + random.below(most);
    for (std::uint64_t i = 0; i < length; ++i)
        out += parts[random.below(parts.size())];
    return out;
}

TEST(Verify, accepts_generated_urls_and_rejects_any_changed_byte) {
    SeededRandom random{20261120};
    const auto verifier = documented_verifier();
    const auto signer = documented_signer();
    for (int i = 0; i < 1500; ++i) {
        auto request = put_request();
        request.address.key = *parse_object_key(awkward(random, 20));
        request.query = {{awkward(random, 4), awkward(random, 8)}, {"uploadId", awkward(random, 8)}};
        auto sent = presigned(request, signer);
        const auto answer = sent.verified(verifier);
        ASSERT_TRUE(answer) << answer.error().detail << '\n' << sent.target;
        EXPECT_EQ(answer->path, "/incoming/" + request.address.key->str());
        EXPECT_EQ(answer->query, request.query);

        const auto at = random.below(sent.target.size());
        const char was = sent.target[at];
        sent.target[at] = was == 'q' ? 'w' : 'q';
        const auto changed = sent.verified(verifier);
        EXPECT_FALSE(changed) << was << " at " << at << " of " << sent.target;
    }
}

TEST(Verify, survives_random_input) {
    SeededRandom random{5};
    const auto verifier = documented_verifier();
    for (int i = 0; i < 3000; ++i) {
        auto sent = i % 2 == 0 ? presigned() : header_signed();
        auto& text = i % 2 == 0 ? sent.target : sent.header("Authorization");
        for (auto n = 1 + random.below(4); n > 0 && !text.empty(); --n) {
            const auto at = random.below(text.size());
            switch (random.below(3)) {
                case 0:
                    text[at] = static_cast<char>(random.below(256));
                    break;
                case 1:
                    text.erase(at, 1 + random.below(20));
                    break;
                default:
                    text.insert(at, 1, "%&=;,/+?"[random.below(8)]);
            }
        }
        const auto answer = sent.verified(verifier);
        const auto original = i % 2 == 0 ? presigned().verified() : header_signed().verified();
        if (answer) {
            EXPECT_EQ(answer->path, original->path) << text;
            EXPECT_EQ(answer->query, original->query) << text;
        }
    }
}

}  // namespace
}  // namespace photogate::signer
