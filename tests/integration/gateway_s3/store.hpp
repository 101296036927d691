// The built-in store on a free port, and raw requests to it, signed as a client would or as no client would.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "base/encoding.hpp"
#include "base/random.hpp"
#include "gateway/http/server.hpp"
#include "gateway/s3/service.hpp"
#include "signer/signer.hpp"
#include "storage/builtin/store.hpp"
#include "tests/integration/gateway_http/raw_client.hpp"

namespace photogate::gateway::s3::test {

using http::test::Answer;
using http::test::Expecting;
using http::test::RawClient;
using signer::HeaderField;

/// A folder that goes when the test does.
class Folder {
  public:
    Folder() {
        std::string pattern = (std::filesystem::temp_directory_path() / "photogate-s3-XXXXXX").string();
        path_ = ::mkdtemp(pattern.data());
    }
    ~Folder() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    const std::filesystem::path& path() const { return path_; }

  private:
    std::filesystem::path path_;
};

struct Wanted {
    std::string method = "GET";
    std::string key;
    std::vector<signer::Parameter> query;
    std::vector<HeaderField> headers;  ///< signed and sent
    std::string body;
    std::string bucket = "incoming";
};

class Store : public testing::Test {
  protected:
    void SetUp() override {
        storage::builtin::FolderOptions options;
        options.folder = folder.path() / "store";
        options.least_part = 1'000;
        options.on_created = [this](const storage::builtin::ObjectCreated& created) {
            const std::lock_guard lock(mutex);
            told.push_back(created.event + " " + created.key.str());
        };
        adjust(options);
        auto opened = storage::builtin::FolderStore::open(options, {clock, random});
        ASSERT_TRUE(opened) << opened.error().detail;
        objects = std::move(*opened);
        for (const auto* name : {"incoming", "public", "originals"})
            ASSERT_TRUE(objects->buckets().create(Bucket::trusted(name)));
        ServiceOptions service_options;
        service_options.callers = {
            {{"signer", Secret{"signer-secret"}, {}}, put_only(Bucket::trusted("incoming"), "u/")},
            {{"worker", Secret{"worker-secret"}, {}},
             objects_of({Bucket::trusted("incoming"), Bucket::trusted("public")})},
            {{"admin", Secret{"admin-secret"}, {}}, everything()}};
        service_options.domains = {"store.test"};
        adjust(service_options);
        service = std::make_unique<Service>(service_options, *objects, pool, clock);
        http::ServerOptions server_options{.access_log = http::AccessLog::none};
        server_options.limits.body_window = std::chrono::milliseconds{200};
        auto started = http::Server::start({{.service = service.get()}}, server_options);
        ASSERT_TRUE(started) << started.error().detail;
        server = std::move(*started);
    }

    /// For a test of another configuration.
    virtual void adjust(storage::builtin::FolderOptions&) {}
    virtual void adjust(ServiceOptions&) {}

    std::string host() const { return "127.0.0.1:" + std::to_string(server->ports().front()); }
    RawClient connect() const { return RawClient{server->ports().front()}; }

    signer::Signer signer_of(const std::string& who) const {
        return signer::Signer{{who, Secret{who + "-secret"}, {}}, Region::trusted("us-east-1")};
    }
    signer::ObjectAddress address(const Wanted& wanted) const {
        signer::ObjectAddress at{*parse_endpoint("http://" + host())};
        if (!wanted.bucket.empty()) at.bucket = Bucket::trusted(wanted.bucket);
        if (!wanted.key.empty()) at.key = ObjectKey::trusted(wanted.key);
        return at;
    }
    /// The target of a URL granted to whoever has it.
    std::string presigned(const std::string& who, const Wanted& wanted,
                          std::chrono::seconds expires = std::chrono::seconds{60}) const {
        signer::PresignRequest request;
        request.method = wanted.method;
        request.address = address(wanted);
        request.headers = wanted.headers;
        request.query = wanted.query;
        request.expires = expires;
        request.at = clock.now();
        const std::string url = signer_of(who).presign(request).value().url;
        return url.substr(url.find('/', 8));
    }
    std::string request(const std::string& method, const std::string& target,
                        const std::vector<HeaderField>& headers, const std::string& body) const {
        std::string text = method + " " + target + " HTTP/1.1\r\nHost: " + host() + "\r\n";
        bool has_length = false;
        for (const auto& [name, value] : headers) {
            text += name + ": " + value + "\r\n";
            has_length = has_length || name == "Content-Length" || name == "Transfer-Encoding";
        }
        if (!has_length && (method == "PUT" || method == "POST"))
            text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
        return text + "\r\n" + body;
    }
    /// Signed in headers by `who`, and asked on a connection of its own.
    Answer ask(const std::string& who, const Wanted& wanted) const {
        signer::HeaderSignRequest request_to_sign;
        request_to_sign.method = wanted.method;
        request_to_sign.address = address(wanted);
        request_to_sign.headers = wanted.headers;
        request_to_sign.query = wanted.query;
        request_to_sign.at = clock.now();
        request_to_sign.payload_sha256 = hex_lower(signer::sha256(wanted.body));
        const auto made = signer_of(who).sign_headers(request_to_sign).value();
        const std::string target = made.url.substr(made.url.find('/', 8));
        return send(request(wanted.method, target, made.headers, wanted.body),
                    wanted.method == "HEAD" ? Expecting::no_body : Expecting::body);
    }
    Answer send(const std::string& bytes, Expecting expecting = Expecting::body) const {
        RawClient client = connect();
        auto answer = client.ask(bytes, expecting);
        return answer ? std::move(*answer) : Answer{};
    }
    /// `Code` of an error document, or the status.
    static std::string code_of(const Answer& answer) {
        const auto at = answer.body.find("<Code>");
        if (at == std::string::npos) return std::to_string(answer.status);
        return answer.body.substr(at + 6, answer.body.find("</Code>") - at - 6);
    }
    static std::string element(const Answer& answer, const std::string& name) {
        const auto at = answer.body.find("<" + name + ">");
        if (at == std::string::npos) return {};
        const auto from = at + name.size() + 2;
        return answer.body.substr(from, answer.body.find("</" + name + ">") - from);
    }
    std::vector<std::string> events() {
        const std::lock_guard lock(mutex);
        return told;
    }

    Folder folder;
    SystemClock clock;
    SystemRandom random;
    std::mutex mutex;
    std::vector<std::string> told;
    std::unique_ptr<storage::builtin::FolderStore> objects;
    http::WorkPool pool{{"objects", 4, 256}};
    std::unique_ptr<Service> service;
    std::unique_ptr<http::Server> server;
};

}  // namespace photogate::gateway::s3::test
