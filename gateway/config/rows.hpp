// Rows whose value is one field of a struct: its kind, its default and how it is set follow from where the field is, so
// that a field is named once.
//
//   const Rows<Worker> worker{standard().worker, [](const Scope& scope) -> Worker& { return scope.config.worker; }};
//   worker.duration("poll", &Worker::poll, {10ms, 5min}, "How often the queue is polled without a notification."),
//
// The field is a pointer to a member, or a function of the struct where it lies deeper. A row that says `otherwise` has
// its default worked out, and none of its own.
//
// Thread safety: pure functions over constants.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <type_traits>

#include "gateway/config/defaults.hpp"
#include "gateway/config/options.hpp"
#include "gateway/config/setters.hpp"

namespace photogate::gateway::config {

/// What a row may say beside its field.
struct RowNotes {
    std::string_view otherwise = {};
    std::string_view former = {};
};

template <class Struct>
class Rows {
  public:
    using Of = Struct& (*)(const Scope&);
    /// `standard` lives as long as the program.
    Rows(const Struct& standard, Of of) : standard_(standard), of_(of) {}

    template <class Where>
    Option integer(std::string_view key, Where where, Range range, std::string_view help,
                   RowNotes notes = {}) const {
        return row(key, Kind::integer, std::to_string(std::invoke(where, standard_)), help, notes,
                   [of = of_, where, range](const Scope& scope, const RawValue& given) {
                       return put(read_integer(given, range), std::invoke(where, of(scope)));
                   });
    }

    template <class Where>
    Option size(std::string_view key, Where where, Range range, std::string_view help,
                RowNotes notes = {}) const {
        return row(key, Kind::size, size_text(std::invoke(where, standard_)), help, notes,
                   [of = of_, where, range](const Scope& scope, const RawValue& given) {
                       return put(read_size(given, range), std::invoke(where, of(scope)));
                   });
    }

    /// A field in seconds takes whole ones only.
    template <class Where>
    Option duration(std::string_view key, Where where, TimeRange range, std::string_view help,
                    RowNotes notes = {}) const {
        using Field = std::remove_cvref_t<std::invoke_result_t<Where, Struct&>>;
        return row(key, Kind::duration, duration_text(std::invoke(where, standard_)), help, notes,
                   [of = of_, where, range](const Scope& scope, const RawValue& given) {
                       auto& field = std::invoke(where, of(scope));
                       if constexpr (std::is_same_v<Field, std::chrono::seconds>) {
                           return put_seconds(read_duration(given, range), field);
                       } else {
                           return put(read_duration(given, range), field);
                       }
                   });
    }

  private:
    template <class Set>
    static Option row(std::string_view key, Kind kind, std::string fallback, std::string_view help,
                      const RowNotes& notes, Set set) {
        if (!notes.otherwise.empty()) fallback.clear();
        return {.key = key,
                .kind = kind,
                .fallback = std::move(fallback),
                .help = help,
                .set = std::move(set),
                .otherwise = notes.otherwise,
                .former = notes.former};
    }

    const Struct& standard_;
    Of of_;
};

}  // namespace photogate::gateway::config
