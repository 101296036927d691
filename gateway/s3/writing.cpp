// PutObject and UploadPart: bodies streamed to the disk.
#include "gateway/s3/writing.hpp"

#include <charconv>
#include <functional>
#include <utility>

#include "gateway/s3/description.hpp"
#include "gateway/s3/operations.hpp"

namespace photogate::gateway::s3 {

using storage::builtin::ChecksumType;
using storage::builtin::FolderStore;
using storage::builtin::FolderWriter;
using storage::builtin::PartAddress;
using storage::builtin::WriteCondition;
using storage::builtin::WriteOptions;

namespace {

using OpenWriter = std::function<S3Result<FolderWriter>()>;

class WritingSink final : public BodySink {
  public:
    enum class Of { object, part };
    WritingSink(BodyPromise promise, OpenWriter open, WriteCondition condition, Of what)
        : checks_(std::move(promise)),
          open_(std::move(open)),
          condition_(std::move(condition)),
          part_(what == Of::part) {}

    S3Result<> begin() override {
        auto writer = open_();
        if (!writer) return refuse(writer.error());
        writer_.emplace(std::move(*writer));
        return {};
    }
    S3Result<> take(std::string bytes) override {
        const auto piece = checks_.take(std::move(bytes));
        if (!piece) return refuse(piece.error());
        if (piece->empty()) return {};
        if (auto wrote = writer_->append(as_bytes(*piece)); !wrote) return refuse(of(wrote.error()));
        return {};
    }
    S3Result<http::Response> finish() override {
        const auto checksum = checks_.end();
        if (!checksum) return refuse(checksum.error());
        if (auto kept = checks_.hold(digests(), *checksum); !kept) return refuse(kept.error());
        auto object = writer_->finish({.expected_size = checks_.promise().length, .condition = condition_});
        if (!object) return refuse(of(object.error()));
        http::Response response = http::Response::empty(200);
        response.set("ETag", quoted(object->etag));
        // Of a part only what its client gave; of an object what is kept with it.
        const auto told = *checksum || part_ ? *checksum : object->checksum;
        if (told) {
            response.set(header_of(told->algorithm), told->value);
            response.set("x-amz-checksum-type", to_string(told->type));
        }
        return response;
    }

  private:
    Digests digests() {
        const BodyPromise& promise = checks_.promise();
        Digests found;
        if (promise.md5) found.md5 = writer_->md5();
        if (promise.sha256) found.sha256 = writer_->digest(ChecksumAlgorithm::sha256);
        if (const auto algorithm = promise.algorithm()) found.checksum = writer_->digest(*algorithm);
        return found;
    }

    BodyChecks checks_;
    OpenWriter open_;
    WriteCondition condition_;
    const bool part_;
    std::optional<FolderWriter> writer_;
};

}  // namespace

S3Result<std::uint32_t> part_number(const Call& call) {
    const auto* text = call.address.parameter("partNumber");
    std::uint32_t number = 0;
    if (text != nullptr) {
        const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), number);
        if (error != std::errc{} || end != text->data() + text->size()) number = 0;
    }
    if (number == 0 || number > 10'000)
        return refuse(Code::InvalidArgument, "Part number must be an integer between 1 and 10000, inclusive");
    return number;
}

WriteOptions write_options(const BodyPromise& promise) {
    WriteOptions options;
    options.announced = promise.length;
    options.keep = promise.algorithm();
    if (promise.sha256 && options.keep != ChecksumAlgorithm::sha256)
        options.digests.push_back(ChecksumAlgorithm::sha256);
    return options;
}

S3Result<> check_early(FolderStore& store, const Bucket& bucket, const ObjectKey& key,
                       const WriteCondition& condition, std::optional<ByteSize> announced) {
    if (!condition.only_if_absent && !condition.if_match) return {};
    const auto there = store.objects().stat(bucket, key);
    if (!there && there.error().code != ErrorCode::store_no_such_key) return refuse(of(there.error()));
    // What has another length is no repeat; otherwise its bytes decide.
    const bool may_be_repeat = condition.may_repeat && there && announced == there->size;
    if (condition.only_if_absent && there && !may_be_repeat) return refuse(Code::PreconditionFailed);
    if (condition.if_match && !there) return refuse(Code::NoSuchKey);
    if (condition.if_match && there->etag != *condition.if_match) return refuse(Code::PreconditionFailed);
    return {};
}

void put_object(Dependencies& dependencies, CallPtr call) {
    auto promise = read_promise(call->request, call->verified);
    auto headers = read_description(*call);
    auto condition = read_write_condition(call->request);
    if (!promise) return call->refuse(promise.error());
    if (!headers) return call->refuse(headers.error());
    if (!condition) return call->refuse(condition.error());
    if (promise->length > kLargestPut) return call->refuse(refuse(Code::EntityTooLarge).value());
    WriteOptions options = write_options(*promise);
    if (!options.keep) options.keep = storage::builtin::kDefaultChecksum;
    options.headers = std::move(*headers);
    // Only here: a form has no condition, and a completion remembers its result by itself.
    condition->may_repeat = condition->only_if_absent;
    auto open = [&dependencies, call, options = std::move(options),
                 condition = *condition]() -> S3Result<FolderWriter> {
        // Reject early, before the body is sent. The condition is checked again, decisively, at the end.
        auto early =
            check_early(dependencies.store, call->bucket(), call->key(), condition, options.announced);
        if (!early) return refuse(early.error());
        auto writer = dependencies.store.objects().write(call->bucket(), call->key(), options);
        if (!writer) return refuse(of(writer.error()));
        return std::move(*writer);
    };
    pump(call, dependencies.pool,
         std::make_unique<WritingSink>(std::move(*promise), std::move(open), std::move(*condition),
                                       WritingSink::Of::object));
}

void put_part(Dependencies& dependencies, CallPtr call) {
    auto promise = read_promise(call->request, call->verified);
    const auto number = part_number(*call);
    if (!promise) return call->refuse(promise.error());
    if (!number) return call->refuse(number.error());
    if (promise->length > kLargestPut) return call->refuse(refuse(Code::EntityTooLarge).value());
    auto open = [&dependencies, call, number = *number,
                 options = write_options(*promise)]() mutable -> S3Result<FolderWriter> {
        const PartAddress part{*call->address.parameter("uploadId"), number};
        auto writer = dependencies.store.uploads().write_part({call->bucket(), call->key()}, part, options);
        if (!writer && writer.error().code == ErrorCode::invalid_checksum && options.keep) {
            // The upload keeps another checksum, or none: this one is verified and not stored.
            options.digests.push_back(*std::exchange(options.keep, std::nullopt));
            writer = dependencies.store.uploads().write_part({call->bucket(), call->key()}, part, options);
        }
        if (!writer) return refuse(of(writer.error()));
        return std::move(*writer);
    };
    pump(call, dependencies.pool,
         std::make_unique<WritingSink>(std::move(*promise), std::move(open), WriteCondition{},
                                       WritingSink::Of::part));
}

}  // namespace photogate::gateway::s3
