// The table of routes: which handler answers which method and path, what a body may weigh there, and who may
// ask.
//
// Patterns are `/v1/uploads/{id}`, with `{rest...}` for all that is left; a literal beats a parameter. An
// unknown path is 404, a known one with another method 405 with Allow (TRACE and CONNECT too). Each GET
// answers HEAD, each path OPTIONS.
//
// Thread safety: fill it first (add, group), then serve it from any thread; it is not changed while it is
// served.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/http/service.hpp"
#include "http/semantics/cors.hpp"

namespace photogate::gateway::http {

using photogate::http::semantics::CorsRule;

/// Runs when the head is there and before the body is read: who is calling, as `Request::principal`; or an
/// Error, and the body is never read. Called on an I/O thread, so it must not block.
using HeadCheck = std::function<Result<PrincipalPtr>(const RequestHead&, const PathParameters&)>;

struct Route {
    Method method = Method::get;
    std::string pattern;
    Handler handler;
    std::size_t body_limit = 0;  ///< bytes; 0 where no body is taken
    HeadCheck check;             ///< none: anyone may call
    std::string name;            ///< in logs and metrics; the pattern where it is empty
    BodyBound body_bound = BodyBound::server;
    Traced traced = Traced::yes;
};

class Router final : public Service {
  public:
    Router();
    ~Router() override;
    /// A wrong pattern, or the same route twice, is a mistake in the program: std::logic_error.
    Router& add(Route route);
    /// The same, callable by the pages that `cors` names; the path's own methods are told to them.
    Router& add(Route route, std::shared_ptr<const CorsRule> cors);

    Admission admit(const RequestHead& head) override;

  private:
    struct Path;
    const Path* find(const std::vector<std::string>& segments, PathParameters& parameters) const;
    std::vector<std::unique_ptr<Path>> paths_;  ///< the most literal first
    std::vector<std::unique_ptr<Route>> routes_;
};

}  // namespace photogate::gateway::http
