// The registry: which handler does which kind. Kinds without one are never claimed; another gateway, perhaps
// a newer one, does them.
//
// Thread safety: immutable once the worker runs.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "pipeline/jobs/handler.hpp"

namespace photogate::pipeline::jobs {

class Handlers {
  public:
    /// One for each kind: a second one for the same kind is a mistake in the program and throws
    /// std::logic_error.
    void add(std::unique_ptr<JobHandler> handler);
    /// nullptr where no handler does this kind.
    JobHandler* of(const model::JobKind& kind) const;
    std::vector<model::JobKind> kinds(Lane lane) const;

  private:
    std::map<model::JobKind, std::unique_ptr<JobHandler>> handlers_;
};

}  // namespace photogate::pipeline::jobs
