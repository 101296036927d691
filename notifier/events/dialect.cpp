#include "notifier/events/dialect.hpp"

#include <exception>

#include "notifier/events/dialects.hpp"

namespace photogate::notifier::events {
namespace {

Result<EventBatch> parse_as(Dialect dialect, KeyEncoding keys, std::string_view body) {
    switch (dialect) {
        case Dialect::minio:
            return parse_minio(body, keys);
        case Dialect::s3:
            return parse_s3(body, keys);
        case Dialect::rustfs:
            return parse_rustfs(body, keys);
        case Dialect::ceph:
            return parse_ceph(body, keys);
        case Dialect::versitygw:
            return parse_versitygw(body, keys);
        case Dialect::automatic:
        case Dialect::test:
            return parse_automatic(body, keys);
    }
    return fail(ErrorCode::internal, "a dialect without a parser");
}

}  // namespace

KeyEncoding default_key_encoding(Dialect dialect) {
    switch (dialect) {
        case Dialect::ceph:
        case Dialect::versitygw:
            return KeyEncoding::raw;
        case Dialect::automatic:
        case Dialect::minio:
        case Dialect::s3:
        case Dialect::rustfs:
        case Dialect::test:
            return KeyEncoding::form;
    }
    return KeyEncoding::form;
}

Result<EventBatch> parse(Dialect dialect, KeyEncoding keys, std::string_view body) {
    try {
        return parse_as(dialect, keys, body);
    } catch (const std::exception&) {
        return fail(ErrorCode::bad_request, "the body could not be read");
    }
}

}  // namespace photogate::notifier::events
