#include "gateway/http/service.hpp"

#include "gateway/http/problem.hpp"

namespace photogate::gateway::http {

void Service::word(Response& response, const ErrorContext& context) const {
    const Error error = std::move(std::get<Error>(response.body));
    response.body = problem_json(error, {context.docs_base, context.request_id});
}

}  // namespace photogate::gateway::http
