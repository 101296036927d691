#include "gateway/http/router.hpp"

#include <algorithm>
#include <stdexcept>

namespace photogate::gateway::http {

using photogate::http::semantics::cors_fields;
using photogate::http::semantics::CorsRequest;
using photogate::http::semantics::preflight_fields;

namespace {

enum class Kind { literal, parameter, rest };  ///< in the order in which they are tried

struct Segment {
    Kind kind = Kind::literal;
    std::string text;  ///< the literal, or the parameter's name
    bool operator==(const Segment&) const = default;
};

std::vector<Segment> parse_pattern(std::string_view pattern) {
    auto wrong = [&] { return std::logic_error("not a route pattern: " + std::string{pattern}); };
    if (pattern.empty() || pattern.front() != '/') throw wrong();
    std::vector<Segment> segments;
    pattern.remove_prefix(1);
    while (!pattern.empty()) {
        std::size_t slash = pattern.find('/');
        std::string_view text = pattern.substr(0, slash);
        pattern.remove_prefix(slash == std::string_view::npos ? pattern.size() : slash + 1);
        if (text.empty() || (!segments.empty() && segments.back().kind == Kind::rest)) throw wrong();
        if (text.front() != '{') {
            segments.push_back({Kind::literal, std::string{text}});
            continue;
        }
        if (text.back() != '}' || text.size() < 3) throw wrong();
        text = text.substr(1, text.size() - 2);
        if (text.ends_with("...")) {
            segments.push_back({Kind::rest, std::string{text.substr(0, text.size() - 3)}});
        } else {
            segments.push_back({Kind::parameter, std::string{text}});
        }
    }
    return segments;
}

std::string join(const std::vector<std::string>& segments, std::size_t from) {
    std::string joined;
    for (std::size_t i = from; i < segments.size(); ++i)
        joined.append(i == from ? "" : "/").append(segments[i]);
    return joined;
}

}  // namespace

struct Router::Path {
    std::vector<Segment> segments;
    std::vector<std::size_t> routes;
    std::shared_ptr<const CorsRule> cors;
    std::string allow;

    bool matches(const std::vector<std::string>& asked) const {
        bool open = !segments.empty() && segments.back().kind == Kind::rest;
        if (open ? asked.size() < segments.size() : asked.size() != segments.size()) return false;
        for (std::size_t i = 0; i < segments.size(); ++i) {
            if (segments[i].kind == Kind::rest) return true;
            if (segments[i].kind == Kind::literal ? segments[i].text != asked[i] : asked[i].empty())
                return false;
        }
        return true;
    }

    static bool tried_before(const std::unique_ptr<Path>& a, const std::unique_ptr<Path>& b) {
        return std::lexicographical_compare(
            a->segments.begin(), a->segments.end(), b->segments.begin(), b->segments.end(),
            [](const Segment& x, const Segment& y) { return x.kind < y.kind; });
    }
};

Router::Router() = default;
Router::~Router() = default;

Router& Router::add(Route route) {
    return add(std::move(route), nullptr);
}

Router& Router::add(Route route, std::shared_ptr<const CorsRule> cors) {
    std::vector<Segment> segments = parse_pattern(route.pattern);
    if (!route.handler) throw std::logic_error("a route without a handler: " + route.pattern);
    auto known = std::find_if(paths_.begin(), paths_.end(),
                              [&](const auto& path) { return path->segments == segments; });
    if (known == paths_.end()) {
        auto path = std::make_unique<Path>();
        path->segments = std::move(segments);
        path->cors = cors;
        auto place = std::upper_bound(paths_.begin(), paths_.end(), path, Path::tried_before);
        known = paths_.insert(place, std::move(path));
    }
    Path& path = **known;
    for (std::size_t other : path.routes) {
        if (routes_[other]->method == route.method)
            throw std::logic_error("a route stands twice: " + route.pattern);
    }
    if (path.cors != cors)
        throw std::logic_error("the methods of a path share one CORS rule: " + route.pattern);
    if (route.name.empty()) route.name = route.pattern;
    path.routes.push_back(routes_.size());
    routes_.push_back(std::make_unique<Route>(std::move(route)));
    path.allow.clear();
    bool heads = std::any_of(path.routes.begin(), path.routes.end(),
                             [&](std::size_t at) { return routes_[at]->method == Method::head; });
    for (std::size_t at : path.routes) {
        path.allow.append(to_string(routes_[at]->method)).append(", ");
        if (routes_[at]->method == Method::get && !heads) path.allow.append("HEAD, ");
    }
    path.allow.append("OPTIONS");
    return *this;
}

const Router::Path* Router::find(const std::vector<std::string>& segments, PathParameters& parameters) const {
    for (const auto& path : paths_) {
        if (!path->matches(segments)) continue;
        for (std::size_t i = 0; i < path->segments.size(); ++i) {
            const Segment& segment = path->segments[i];
            if (segment.kind == Kind::parameter) parameters.push_back({segment.text, segments[i]});
            if (segment.kind == Kind::rest) parameters.push_back({segment.text, join(segments, i)});
        }
        return path.get();
    }
    return nullptr;
}

Admission Router::admit(const RequestHead& head) {
    Admission admission;
    admission.route_name = "_none";
    if (head.target == "*") {
        Response response = Response::empty(204);
        response.set("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
        admission.refusal = std::move(response);
        return admission;
    }
    const Path* path = find(head.path, admission.parameters);
    if (!path) {
        admission.refusal = Error{ErrorCode::not_found, "no route has this path", {}, std::nullopt};
        return admission;
    }
    const CorsRequest page{head.headers.find("Origin"), to_string(head.method)};
    if (path->cors) admission.headers = cors_fields({path->cors.get(), 1}, page);
    const Route* found = nullptr;
    for (std::size_t at : path->routes) {
        const Route& route = *routes_[at];
        bool stands_in = head.method == Method::head && route.method == Method::get;
        if (route.method != head.method && (!stands_in || found)) continue;
        found = &route;
        if (!stands_in) break;
    }
    if (found) {
        admission.route_name = found->name;
        admission.body_limit = found->body_limit;
        admission.body_bound = found->body_bound;
        admission.traced = found->traced;
        admission.handler = [found](Request request, Responder responder) {
            found->handler(std::move(request), std::move(responder));
        };
        if (!found->check) return admission;
        Result<PrincipalPtr> principal = found->check(head, admission.parameters);
        if (principal) {
            admission.principal = std::move(*principal);
        } else {
            admission.refusal = std::move(principal.error());
        }
        return admission;
    }
    admission.route_name = routes_[path->routes.front()]->name;
    if (head.method == Method::options) {
        Response response = Response::empty(204);
        response.set("Allow", path->allow);
        const auto method = head.headers.find("Access-Control-Request-Method");
        if (path->cors && page.origin && method) {
            const auto headers = head.headers.find("Access-Control-Request-Headers").value_or("");
            admission.headers = preflight_fields(*path->cors, {page.origin, *method, headers}, path->allow);
        }
        admission.refusal = std::move(response);
        return admission;
    }
    admission.headers.push_back({"Allow", path->allow});
    admission.refusal =
        Error{ErrorCode::method_not_allowed, "this path takes " + path->allow, {}, std::nullopt};
    return admission;
}

}  // namespace photogate::gateway::http
