// From rows to values. What the rows hold was checked on its way in; only the words of enums may be another
// program's: a newer gateway on the same database writes words that this one does not know. Then UnknownWord
// is thrown, and readers of many rows leave that one out.
//
// Thread safety: pure functions.
#pragma once

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <pqxx/pqxx>

#include "model/callback.hpp"
#include "model/enum_words.hpp"
#include "model/job.hpp"
#include "model/upload.hpp"
#include "storage/database/columns.hpp"

namespace photogate::storage::records {

using database::Columns;

class UnknownWord : public std::runtime_error {
  public:
    explicit UnknownWord(const std::string& word)
        : std::runtime_error("the database holds a word that this program does not know: " + word) {}
};

/// Throws UnknownWord.
template <class Enum>
Enum read_word(const std::string& text) {
    const auto value = model::parse_word<Enum>(text);
    if (!value) throw UnknownWord{text};
    return *value;
}

/// Of rows that hold `uploads.*`.
model::Upload to_upload(const Columns& columns, const pqxx::row& row);
/// All of them, or UnknownWord is thrown.
std::vector<model::Upload> to_uploads(const pqxx::result& result);
/// Those that this program can read; the others are logged.
std::vector<model::Upload> to_readable_uploads(const pqxx::result& result);
/// Logs a row that is left out, by its id.
void log_unreadable(std::string_view table, const std::string& id, const UnknownWord& problem);
/// Of rows of `images`.
model::PublishedImage to_published_image(const Columns& columns, const pqxx::row& row);
/// Of rows that hold `callbacks.*`.
model::Callback to_callback(const Columns& columns, const pqxx::row& row);
/// Of rows that hold their upload's trace too.
model::Callback to_claimed_callback(const Columns& columns, const pqxx::row& row);
/// Of rows of claim_jobs.
model::Job to_job(const Columns& columns, const pqxx::row& row, const std::string& token);

}  // namespace photogate::storage::records
