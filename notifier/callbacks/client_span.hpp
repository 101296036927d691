// A call to an app server as a span: what OpenTelemetry's conventions for HTTP clients say of it
// (https://opentelemetry.io/docs/specs/semconv/http/http-spans/).
//
// Thread safety: the span's.
#pragma once

#include <string>

#include "base/result.hpp"
#include "base/tracing/tracing.hpp"
#include "storage/http/http_client.hpp"

namespace photogate::notifier::callbacks {

/// Of the URL not its query, which may be a credential. Whether the call has failed is the caller's to say.
void describe_post(tracing::Span& span, const std::string& url,
                   const Result<storage::http::Response>& answer);

}  // namespace photogate::notifier::callbacks
