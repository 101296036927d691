// What GET /i/… takes from a request's head, and what it puts into an answer's: parameters, conditions, fields.
//
// Thread safety: free functions.
#pragma once

#include <cstdint>

#include "base/result.hpp"
#include "base/time.hpp"
#include "delivery/conditions.hpp"
#include "delivery/parameters.hpp"
#include "gateway/config/config.hpp"
#include "gateway/http/message.hpp"
#include "gateway/routes/image_access.hpp"

namespace photogate::gateway::routes {

/// For pages of any origin to show, measure and read; itself it can do nothing. What a cookie shows is for the eye of
/// who has it: a page of another origin may place it and learn nothing of it.
void open_to_pages(http::Response& response, const Admission& admission);

/// The fields of an answer that is the image, or says that it has not changed.
void describe(http::Response& response, const delivery::Validators& validators, const Admission& admission,
              Timestamp now);

bool has_foreign_parameters(const http::Request& request);

/// Parameters that are not ours are what links collect on their way (`utm_source`): the configuration decides.
Result<delivery::AskedImage> read_parameters(const http::Request& request, config::UnknownParameters unknown);

/// To the same image without the parameters that are not ours.
http::Response without_foreign_parameters(const http::Request& request);

http::Response out_of_range(std::uint64_t size);

}  // namespace photogate::gateway::routes
