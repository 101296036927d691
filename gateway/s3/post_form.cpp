// PostObject: a browser's form with a signed policy. The fields decide, so they come first; the file is
// streamed to the disk.
#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/ascii.hpp"
#include "gateway/s3/description.hpp"
#include "gateway/s3/form.hpp"
#include "gateway/s3/offered.hpp"
#include "gateway/s3/operations.hpp"
#include "gateway/s3/writing.hpp"
#include "gateway/s3/xml.hpp"
#include "signer/message_rules.hpp"
#include "signer/uri_encode.hpp"

namespace photogate::gateway::s3 {

using storage::builtin::Creation;
using storage::builtin::FolderWriter;
using storage::builtin::StoredObject;
using storage::builtin::WriteOptions;

namespace {

constexpr std::string_view kFileName = "${filename}";

const std::string* field(const std::vector<signer::HeaderField>& fields, std::string_view name) {
    const auto at = std::find_if(fields.begin(), fields.end(), [&](const signer::HeaderField& each) {
        return ascii::equals_ignoring_case(each.name, name);
    });
    return at == fields.end() ? nullptr : &at->value;
}

class FormSink final : public BodySink {
  public:
    FormSink(Dependencies& dependencies, CallPtr call, const std::string& boundary)
        : dependencies_(dependencies), call_(std::move(call)), form_(boundary) {}

    S3Result<> begin() override { return {}; }

    S3Result<> take(std::string bytes) override {
        std::string file;
        if (auto fed = form_.feed(bytes, file); !fed) return fed;
        if (form_.file_begun() && !writer_) {
            if (auto admitted = admit(); !admitted) return admitted;
        }
        if (file.empty()) return {};
        if (writer_->written() + file.size() > most_) return refuse(Code::EntityTooLarge);
        if (auto wrote = writer_->append(as_bytes(file)); !wrote) return refuse(of(wrote.error()));
        return {};
    }

    S3Result<http::Response> finish() override {
        if (auto whole = form_.finish(); !whole) return refuse(whole.error());
        if (writer_->written() < least_) return refuse(Code::EntityTooSmall);
        if (promise_.md5 && writer_->md5() != *promise_.md5) return refuse(Code::BadDigest);
        if (promise_.checksum && writer_->digest(promise_.checksum->algorithm) != promise_.checksum->value)
            return refuse(Code::BadDigest);
        const auto object = writer_->finish({});
        if (!object) return refuse(of(object.error()));
        return answer(*object);
    }

  private:
    /// The file begins: all fields have arrived.
    S3Result<> admit() {
        std::vector<signer::HeaderField> fields = form_.fields();
        const auto key_field = std::find_if(
            fields.begin(), fields.end(),
            [](const signer::HeaderField& each) { return ascii::equals_ignoring_case(each.name, "key"); });
        if (key_field == fields.end())
            return refuse(
                Code::InvalidArgument,
                "Bucket POST must contain a field named 'key'. If it is specified, please check the "
                "order of the fields: the file comes last.");
        if (const auto at = key_field->value.find(kFileName); at != std::string::npos)
            key_field->value.replace(at, kFileName.size(), form_.file_name());
        const auto verified = dependencies_.verifier.verify(
            signer::ReceivedForm{call_->bucket().str(), fields, dependencies_.clock.now()});
        if (!verified) return refuse(of(verified.error(), SignedIn::form));
        auto key = read_key(verified->key);
        if (!key) return refuse(key.error());
        call_->address.key = std::move(*key);
        const auto granted = dependencies_.permissions.find(verified->access_key_id);
        if (granted == dependencies_.permissions.end() ||
            !permits(granted->second, {Action::put_object, &call_->bucket(), &call_->key()}))
            return refuse(Code::AccessDenied);
        call_->request.stream->allow(dependencies_.options.body_deadline);
        least_ = verified->least;
        most_ = std::min<std::uint64_t>(verified->most, kLargestPut);
        return open(fields);
    }

    S3Result<> open(const std::vector<signer::HeaderField>& fields) {
        WriteOptions options;
        options.creation = Creation::post;
        auto headers = read_description(fields);
        if (!headers) return refuse(headers.error());
        options.headers = std::move(*headers);
        // The rules for headers apply to fields of the same names.
        http::RequestHead as_headers;
        const Offer offer{Operation::post_form, dependencies_.options.encrypted_disk};
        for (const auto& [name, value] : fields) {
            if (auto offered = check_offered(name, value, offer); !offered) return refuse(offered.error());
            if (ascii::equals_ignoring_case(name, "content-md5") ||
                signer::starts_with_ignoring_case(name, "x-amz-checksum-"))
                as_headers.headers.add(name, value);
        }
        as_headers.headers.add("Content-Length", "0");
        signer::VerifiedRequest unsigned_payload;
        unsigned_payload.payload_hash = "UNSIGNED-PAYLOAD";
        auto promise = read_promise(as_headers, unsigned_payload);
        if (!promise) return refuse(promise.error());
        promise_ = std::move(*promise);
        options.keep = promise_.algorithm().value_or(storage::builtin::kDefaultChecksum);
        if (const auto* redirect = redirect_field(fields)) redirect_ = *redirect;
        if (const auto* status = field(fields, "success_action_status")) status_ = *status;
        auto writer = dependencies_.store.objects().write(call_->bucket(), call_->key(), std::move(options));
        if (!writer) return refuse(of(writer.error()));
        writer_.emplace(std::move(*writer));
        return {};
    }

    static const std::string* redirect_field(const std::vector<signer::HeaderField>& fields) {
        const auto* named = field(fields, "success_action_redirect");
        return named != nullptr ? named : field(fields, "redirect");
    }

    std::string location() const {
        std::string path = fmt::format("{}://{}", dependencies_.options.scheme,
                                       call_->request.headers.find("Host").value_or(""));
        path += call_->request.raw_path();
        if (!path.ends_with('/')) path += '/';
        signer::append_encoded_path(path, call_->key().str());
        return path;
    }

    http::Response answer(const StoredObject& object) const {
        http::Response response = http::Response::empty(204);
        if (redirect_.starts_with("http://") || redirect_.starts_with("https://")) {
            response.status = 303;
            response.set("Location", fmt::format("{}{}bucket={}&key={}&etag={}", redirect_,
                                                 redirect_.find('?') == std::string::npos ? '?' : '&',
                                                 signer::encode_component(call_->bucket().str()),
                                                 signer::encode_component(call_->key().str()),
                                                 signer::encode_component(quoted(object.etag))));
        } else {
            if (status_ == "201") {
                response = xml_response(Xml::plain("PostResponse")
                                            .add("Location", location())
                                            .add("Bucket", call_->bucket().str())
                                            .add("Key", call_->key().str())
                                            .add("ETag", quoted(object.etag))
                                            .done());
                response.status = 201;
            } else if (status_ == "200") {
                response.status = 200;
            }
            response.set("Location", location());
        }
        response.set("ETag", quoted(object.etag));
        return response;
    }

    Dependencies& dependencies_;
    CallPtr call_;
    Form form_;
    BodyPromise promise_;
    std::uint64_t least_ = 0;
    std::uint64_t most_ = 0;
    std::string redirect_;
    std::string status_;
    std::optional<FolderWriter> writer_;
};

}  // namespace

void post_form(Dependencies& dependencies, CallPtr call) {
    const auto boundary = form_boundary(call->request.headers.find("Content-Type").value_or(""));
    if (!boundary)
        return call->refuse(
            refuse(Code::MalformedPOSTRequest, "A POST to a bucket is a form: multipart/form-data.").value());
    auto sink = std::make_unique<FormSink>(dependencies, call, *boundary);
    pump(std::move(call), dependencies.pool, std::move(sink));
}

}  // namespace photogate::gateway::s3
