// One parser for each dialect; parse() in dialect.hpp chooses among them.
//
// They may throw what a JSON library throws (std::exception), which parse() turns into an Error.
#pragma once

#include <string_view>

#include "notifier/events/dialect.hpp"

namespace photogate::notifier::events {

Result<EventBatch> parse_automatic(std::string_view body, KeyEncoding keys);
Result<EventBatch> parse_minio(std::string_view body, KeyEncoding keys);
Result<EventBatch> parse_s3(std::string_view body, KeyEncoding keys);
Result<EventBatch> parse_rustfs(std::string_view body, KeyEncoding keys);
Result<EventBatch> parse_ceph(std::string_view body, KeyEncoding keys);
Result<EventBatch> parse_versitygw(std::string_view body, KeyEncoding keys);

}  // namespace photogate::notifier::events
