// Who sends store events: by which name, for which regions, in which dialect, and how it is recognized.
//
// An event says the bucket and not the store, and buckets of two stores may have one name: the region of an event is
// found among the regions of its source and nowhere else.
//
// Thread safety: immutable once made.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "notifier/events/authenticator.hpp"
#include "notifier/events/dialect.hpp"

namespace photogate::notifier::events {

/// What is to be made of an event before anything follows from it.
enum class Belief {
    check,  ///< verify with the store: anyone with the source's token can write anything
    trust,  ///< the built-in store speaks for itself, in this process
};

struct Source {
    std::string name;                  ///< as in `POST /v1/events/{source}`
    std::vector<std::string> regions;  ///< those it may speak for; no two with incoming buckets of one name
    Dialect dialect = Dialect::automatic;
    KeyEncoding keys = KeyEncoding::form;
    Belief belief = Belief::check;
    /// null: not for requests (the built-in store, a queue)
    std::shared_ptr<const Authenticator> authenticator;
    /// Where the sender asks for it (SNS): confirms what it has been proven to ask for. Blocking.
    std::function<Result<>(const Subscription&)> confirm = {};
};

class Sources {
  public:
    Sources() = default;
    explicit Sources(std::vector<Source> sources);

    /// nullptr where there is none of this name.
    const Source* find(std::string_view name) const;
    const std::map<std::string, Source, std::less<>>& all() const { return sources_; }

    /// The head's verdict for a source that may be nullptr: a source that does not exist is refused like a wrong
    /// token.
    static HeadVerdict from_head(const Source* source, const SenderHead& head);

  private:
    std::map<std::string, Source, std::less<>> sources_;
};

}  // namespace photogate::notifier::events
