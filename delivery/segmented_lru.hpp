// Which of many named values to keep within a limit of bytes: those that were used lately, in two segments, so that one
// pass over many values that are used once each takes the place of nothing that is used again and again.
//
// A new value is on probation; its second use protects it, and what is protected too long without a use goes on
// probation again (segmented LRU, Karedla, Love and Wherry, 1994). Names that begin alike can be dropped together.
//
// Thread safety: none; its owner has a mutex.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace photogate::delivery {

template <class Value>
class SegmentedLru {
  public:
    struct Entry {
        std::string name;
        Value value;
        std::uint64_t weight = 0;
        bool is_protected = false;
    };

    /// `limit` in bytes, of the weights of all.
    explicit SegmentedLru(std::uint64_t limit) : limit_(limit), most_protected_(limit / 5 * 4) {}

    /// Null where it is not there. Counts as a use; valid until the next call.
    Value* use(std::string_view name) {
        const auto found = by_name_.find(name);
        if (found == by_name_.end()) return nullptr;
        protect(found->second);
        return &found->second->value;
    }

    /// Makes room and keeps it. `may_go(value)` says of each that stands first in line whether it may be given up, and
    /// `gone(entry)` is told of each that was. False: it is too heavy, or there is no room to be made; or it is there.
    template <class MayGo, class Gone>
    bool add(std::string name, Value value, std::uint64_t weight, MayGo may_go, Gone gone) {
        if (weight > limit_ || by_name_.contains(name)) return false;
        if (!make_room(weight, may_go, gone)) return false;
        probation_.push_front({std::move(name), std::move(value), weight});
        by_name_.emplace(probation_.front().name, probation_.begin());
        weight_ += weight;
        return true;
    }

    /// All whose names begin with `prefix`.
    template <class Gone>
    std::size_t drop(std::string_view prefix, Gone gone) {
        std::size_t dropped = 0;
        for (auto next = by_name_.lower_bound(prefix);
             next != by_name_.end() && next->first.starts_with(prefix); ++dropped)
            next = remove(next, gone);
        return dropped;
    }

    bool has(std::string_view name) const { return by_name_.contains(name); }
    std::uint64_t weight() const { return weight_; }
    std::size_t size() const { return by_name_.size(); }
    /// The first name that is not before this one; empty: there is none.
    std::string name_from(std::string_view first) const {
        const auto found = by_name_.lower_bound(first);
        return found == by_name_.end() ? std::string{} : found->second->name;
    }

  private:
    using List = std::list<Entry>;
    using ByName = std::map<std::string_view, typename List::iterator, std::less<>>;
    /// How many that may not go are passed over at a time.
    static constexpr int kPassedOver = 64;

    void protect(typename List::iterator entry) {
        if (entry->is_protected) return protected_.splice(protected_.begin(), protected_, entry);
        entry->is_protected = true;
        protected_weight_ += entry->weight;
        protected_.splice(protected_.begin(), probation_, entry);
        while (protected_weight_ > most_protected_ && protected_.size() > 1) {
            const auto last = std::prev(protected_.end());
            last->is_protected = false;
            protected_weight_ -= last->weight;
            probation_.splice(probation_.begin(), protected_, last);
        }
    }

    template <class MayGo, class Gone>
    bool make_room(std::uint64_t weight, MayGo& may_go, Gone& gone) {
        int passed_over = 0;
        for (List* segment : {&probation_, &protected_}) {
            for (auto next = segment->end(); weight_ + weight > limit_ && next != segment->begin();) {
                const auto entry = std::prev(next);
                if (!may_go(entry->value)) {
                    if (++passed_over > kPassedOver) return false;
                    next = entry;
                    continue;
                }
                remove(by_name_.find(entry->name), gone);
            }
        }
        return weight_ + weight <= limit_;
    }

    template <class Gone>
    typename ByName::iterator remove(typename ByName::iterator found, Gone& gone) {
        const auto entry = found->second;
        const auto next = by_name_.erase(found);
        weight_ -= entry->weight;
        if (entry->is_protected) protected_weight_ -= entry->weight;
        gone(*entry);
        (entry->is_protected ? protected_ : probation_).erase(entry);
        return next;
    }

    const std::uint64_t limit_;
    const std::uint64_t most_protected_;
    std::uint64_t weight_ = 0;
    std::uint64_t protected_weight_ = 0;
    List probation_;  ///< the latest first, as in the other
    List protected_;
    ByName by_name_;
};

}  // namespace photogate::delivery
