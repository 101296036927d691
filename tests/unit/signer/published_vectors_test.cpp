// The published suites, where PHOTOGATE_CORPUS names the folder that holds them: AWS's signing test suite (38
// cases, signed in the header and in the query) and the S3 vectors (AWS's documentation, and what botocore
// signs).
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "signer/canonical_request.hpp"
#include "signer/signing_key.hpp"
#include "signer/uri_encode.hpp"
#include "tests/unit/signer/examples.hpp"

namespace photogate::signer {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

std::optional<fs::path> suite() {
    const char* corpus = std::getenv("PHOTOGATE_CORPUS");
    if (corpus == nullptr || *corpus == '\0') return std::nullopt;
    return fs::path{corpus} / "wire" / "sigv4-suite";
}

std::string read(const fs::path& path) {
    std::ifstream file{path, std::ios::binary};
    EXPECT_TRUE(file) << path;
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

std::string without_last_newline(std::string text) {
    while (text.ends_with('\n'))
        text.pop_back();
    return text;
}

/// A request as the suite writes it: LF, folded headers, raw UTF-8 and spaces in the target.
struct RawRequest {
    std::string method, path, query, body;
    std::vector<HeaderField> headers;
};

RawRequest parse(const std::string& text) {
    RawRequest request;
    std::istringstream lines{text};
    std::string line;
    std::getline(lines, line);
    const auto first = line.find(' '), last = line.rfind(" HTTP/");
    request.method = line.substr(0, first);
    const auto target = line.substr(first + 1, last - first - 1);
    const auto question = target.find('?');
    request.path = target.substr(0, question);
    if (question != std::string::npos) request.query = target.substr(question + 1);
    while (std::getline(lines, line) && !line.empty()) {
        if (line.front() == ' ') {
            request.headers.back().value += line;
        } else {
            const auto colon = line.find(':');
            request.headers.push_back({line.substr(0, colon), line.substr(colon + 1)});
        }
    }
    if (lines) request.body = text.substr(static_cast<std::size_t>(lines.tellg()));
    return request;
}

std::string encoded_again(const std::string& query) {
    std::string out;
    std::istringstream pairs{query};
    for (std::string pair; std::getline(pairs, pair, '&');) {
        const auto equals = pair.find('=');
        if (!out.empty()) out += '&';
        append_encoded_component(out, *decode_component(pair.substr(0, equals)));
        out += '=';
        if (equals != std::string::npos)
            append_encoded_component(out, *decode_component(pair.substr(equals + 1)));
    }
    return out;
}

struct SuiteCase {
    fs::path folder;
    json context;
    RawRequest request;
    Timestamp at;
    std::string payload_hash;
    PathRule rule;
    bool token_is_signed;

    explicit SuiteCase(const fs::path& where)
        : folder(where),
          context(json::parse(read(where / "context.json"))),
          request(parse(read(where / "request.txt"))),
          at(*parse_rfc3339(context.at("timestamp").get<std::string>())),
          payload_hash(hex_lower(sha256(request.body))),
          rule(context.at("normalize").get<bool>() ? PathRule::normalised : PathRule::s3),
          token_is_signed(!context.value("omit_session_token", false)) {}

    std::optional<std::string> token() const {
        const auto& credentials = context.at("credentials");
        return credentials.contains("token") ? std::optional{credentials.at("token").get<std::string>()}
                                             : std::nullopt;
    }

    /// Canonical request, string to sign and signature, each against its file.
    void check(const std::string& flavour, const std::vector<HeaderField>& all,
               const std::string& encoded_query) const {
        std::vector<HeaderView> views;
        for (const auto& header : all)
            views.push_back({header.name, header.value});
        const auto headers = canonical_headers(views);
        std::string query;
        append_canonical_query(query, encoded_query);
        const auto canonical = canonical_request({request.method, canonical_path(request.path, rule), query,
                                                  headers.lines, headers.names, payload_hash});
        EXPECT_EQ(canonical, without_last_newline(read(folder / (flavour + "-canonical-request.txt"))));

        const auto& own = context.at("credentials");
        const SigningKeyCache keys{{own.at("access_key_id").get<std::string>(),
                                    Secret{own.at("secret_access_key").get<std::string>()}, std::nullopt},
                                   *parse_region(context.at("region").get<std::string>()),
                                   context.at("service").get<std::string>()};
        const auto key = keys.at(at);
        const auto to_sign = string_to_sign(AmzDate{at}, key->scope, canonical);
        EXPECT_EQ(to_sign, without_last_newline(read(folder / (flavour + "-string-to-sign.txt"))));
        EXPECT_EQ(key->sign(to_sign), without_last_newline(read(folder / (flavour + "-signature.txt"))));
    }

    void check_header() const {
        auto all = request.headers;
        all.push_back({"x-amz-date", std::string{AmzDate{at}.text()}});
        if (const auto held = token(); held && token_is_signed)
            all.push_back({"x-amz-security-token", *held});
        if (context.at("sign_body").get<bool>()) all.push_back({"x-amz-content-sha256", payload_hash});
        check("header", all, encoded_again(request.query));
    }

    void check_query() const {
        std::vector<HeaderView> views;
        for (const auto& header : request.headers)
            views.push_back({header.name, header.value});
        const AmzDate date{at};
        auto query = encoded_again(request.query);
        if (!query.empty()) query += '&';
        query += "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=";
        query += encode_component(context.at("credentials").at("access_key_id").get<std::string>() + "/" +
                                  std::string{date.day()} + "/" + context.at("region").get<std::string>() +
                                  "/" + context.at("service").get<std::string>() + "/aws4_request");
        query += "&X-Amz-Date=" + std::string{date.text()};
        query += "&X-Amz-Expires=" + std::to_string(context.at("expiration_in_seconds").get<int>());
        query += "&X-Amz-SignedHeaders=" + encode_component(canonical_headers(views).names);
        if (const auto held = token(); held && token_is_signed)
            query += "&X-Amz-Security-Token=" + encode_component(*held);
        check("query", request.headers, query);
    }
};

TEST(PublishedVectors, matches_38_suite_cases_in_header_and_query) {
    const auto root = suite();
    if (!root) GTEST_SKIP() << "PHOTOGATE_CORPUS is not set";
    int cases = 0;
    for (const auto& entry : fs::directory_iterator{*root / "tests" / "aws-signing-test-suite" / "v4"}) {
        if (!entry.is_directory()) continue;
        SCOPED_TRACE(entry.path().filename());
        const SuiteCase one{entry.path()};
        one.check_header();
        one.check_query();
        ++cases;
    }
    EXPECT_EQ(cases, 38);
}

/// `/key` at `examplebucket.s3.amazonaws.com`, or `/bucket/key` at an address.
ObjectAddress address_of(const std::string& host, const std::string& raw_path) {
    if (const auto dot = host.find(".s3."); dot != std::string::npos) {
        ObjectAddress out{*parse_endpoint("https://" + host.substr(dot + 1)), AddressingStyle::virtual_host,
                          *parse_bucket(host.substr(0, dot)), std::nullopt};
        if (raw_path.size() > 1) out.key = *parse_object_key(raw_path.substr(1));
        return out;
    }
    const auto slash = raw_path.find('/', 1);
    return {*parse_endpoint("http://" + host), AddressingStyle::path,
            *parse_bucket(raw_path.substr(1, slash - 1)), *parse_object_key(raw_path.substr(slash + 1))};
}

bool signing_sets(std::string name) {
    for (auto& c : name)
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    return name == "host" || name == "x-amz-date" || name == "x-amz-content-sha256" ||
           name == "x-amz-security-token";
}

void check_presign(const json& vector, const Signer& signer) {
    PresignRequest request;
    request.method = vector.at("method").get<std::string>();
    request.address =
        address_of(vector.at("host").get<std::string>(), vector.at("raw_path").get<std::string>());
    for (const auto& pair : vector.at("query"))
        request.query.push_back({pair[0].get<std::string>(), pair[1].get<std::string>()});
    for (const auto& [name, value] : vector.at("signed_headers").items())
        request.headers.push_back({name, value.get<std::string>()});
    request.expires = std::chrono::seconds{vector.at("expires").get<int>()};
    request.at = *parse_amz_date("20130524T000000Z");
    const auto stages = signer.explain(request);
    ASSERT_TRUE(stages) << stages.error().detail;
    EXPECT_EQ(stages->canonical_request, vector.at("canonical_request").get<std::string>());
    EXPECT_EQ(stages->string_to_sign, vector.at("string_to_sign").get<std::string>());
    EXPECT_EQ(stages->signature, vector.at("signature").get<std::string>());
    const auto url = signer.presign(request)->url;
    EXPECT_EQ(url.substr(url.find("://")),
              vector.at("botocore_url")
                  .get<std::string>()
                  .substr(vector.at("botocore_url").get<std::string>().find("://")));
}

void check_header_signing(const json& vector, const Signer& signer) {
    HeaderSignRequest request;
    request.method = vector.at("method").get<std::string>();
    const auto& signed_headers = vector.at("signed_headers");
    const auto host = signed_headers.contains("Host") ? signed_headers.at("Host") : signed_headers.at("host");
    const auto raw_path = vector.at("raw_path").get<std::string>();
    if (host.get<std::string>().starts_with("s3.")) {
        const auto slash = raw_path.find('/', 1);
        request.address = {*parse_endpoint("https://" + host.get<std::string>()), AddressingStyle::path,
                           *parse_bucket(raw_path.substr(1, slash - 1)),
                           *parse_object_key(raw_path.substr(slash + 1))};
    } else {
        request.address = address_of(host.get<std::string>(), raw_path);
    }
    for (const auto& pair : vector.at("query"))
        request.query.push_back({pair[0].get<std::string>(), pair[1].get<std::string>()});
    for (const auto& [name, value] : signed_headers.items()) {
        if (!signing_sets(name)) request.headers.push_back({name, value.get<std::string>()});
    }
    request.payload_sha256 = vector.at("payload_hash").get<std::string>();
    request.at = *parse_amz_date("20130524T000000Z");
    const auto stages = signer.explain(request);
    ASSERT_TRUE(stages) << stages.error().detail;
    EXPECT_EQ(stages->canonical_request, vector.at("canonical_request").get<std::string>());
    EXPECT_EQ(stages->signature, vector.at("signature").get<std::string>());
}

void check_chunks(const json& vector, const std::string& seed) {
    const SigningKeyCache keys{documented_credentials(), *parse_region("us-east-1"), "s3"};
    const auto at = *parse_amz_date("20130524T000000Z");
    const auto key = keys.at(at);
    auto previous = seed;
    for (const auto& chunk : vector.at("chunks")) {
        const auto digest = sha256(std::string(chunk.at("len").get<std::size_t>(), 'a'));
        const auto to_sign = chunk_string_to_sign({AmzDate{at}, key->scope, previous, digest});
        EXPECT_EQ(to_sign, chunk.at("string_to_sign").get<std::string>());
        previous = key->sign(to_sign);
        EXPECT_EQ(previous, chunk.at("signature").get<std::string>());
    }
}

TEST(PublishedVectors, matches_every_s3_vector) {
    const auto root = suite();
    if (!root) GTEST_SKIP() << "PHOTOGATE_CORPUS is not set";
    const auto file = json::parse(read(*root / "s3-vectors.json"));
    std::string seed;
    int checked = 0;
    for (const auto& vector : file.at("cases")) {
        SCOPED_TRACE(vector.at("name").get<std::string>());
        const auto kind = vector.at("kind").get<std::string>();
        const auto token = vector.contains("session_token") && vector.at("session_token").is_string()
                               ? std::optional{vector.at("session_token").get<std::string>()}
                               : std::nullopt;
        const auto signer = token ? signer_with_token(*token) : documented_signer();
        if (kind == "presign") {
            check_presign(vector, signer);
        } else if (kind == "header") {
            check_header_signing(vector, signer);
            seed = vector.at("signature").get<std::string>();
        } else if (kind == "post-policy") {
            const SigningKeyCache keys{documented_credentials(), *parse_region("us-east-1"), "s3"};
            const auto key = keys.at(*parse_amz_date(vector.at("date").get<std::string>() + "T000000Z"));
            EXPECT_EQ(key->sign(vector.at("policy_base64").get<std::string>()),
                      vector.at("signature").get<std::string>());
        } else if (kind == "chunks") {
            check_chunks(vector, seed);
        } else {
            ADD_FAILURE() << "a kind of vector that is not checked: " << kind;
        }
        ++checked;
    }
    EXPECT_GE(checked, 20);
}

}  // namespace
}  // namespace photogate::signer
