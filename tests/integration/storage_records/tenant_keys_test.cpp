// Whose choice each key of the schema is.
//
// Where an app, a client or a receiver chooses a part of a key, the key begins with the app (or with an id that
// photogate made for one), so that nobody's choice reaches another's rows. A new table, or a new unique key, fails
// this test until it is listed with the reason why that holds.
#include <map>
#include <string>

#include "records_database.hpp"

namespace photogate::storage::records::test {
namespace {

struct Reason {
    const char* chosen_by;
    const char* why;
};

const std::map<std::string, Reason>& keys() {
    static const std::map<std::string, Reason> known{
        // Chosen by a tenant: with its app.
        {"callback_endpoints(app,url)", {"app", "a URL is an app's or its upload's choice"}},
        {"paused_endpoints(app,url)", {"app", "as above; also what a receiver's 410 writes"}},
        {"idempotency_keys(app,key)",
         {"app", "a header of a request; a client token's has the token's id before it"}},
        {"packages(app,idempotency_key)", {"app", "as above"}},
        // Made by photogate, with enough chance that nobody guesses one.
        {"uploads(id)", {"photogate", "80 random bits"}},
        {"uploads(key,bucket)", {"photogate", "the key contains the upload's id"}},
        {"images(id)", {"photogate", "a sequence"}},
        {"images(key,bucket)", {"photogate", "the key contains the public id and the hash of the bytes"}},
        {"images(upload_id,role,spec_key)", {"photogate", "begins with the upload's id"}},
        {"picture_hashes(upload_id)", {"photogate", "the upload's id"}},
        {"version_claims(upload_id,spec_key)", {"photogate", "begins with the upload's id"}},
        {"packages(id)", {"photogate", "80 random bits"}},
        {"package_items(package_id,position)", {"photogate", "begins with the package's id"}},
        {"package_items(package_id,archive_offset)", {"photogate", "begins with the package's id"}},
        {"package_missing(package_id,place)", {"photogate", "begins with the package's id"}},
        {"package_asked(package_id,place)", {"photogate", "begins with the package's id"}},
        {"package_failures(package_id,position)", {"photogate", "begins with the package's id"}},
        {"package_parts(package_id,number)", {"photogate", "begins with the package's id"}},
        {"package_recipes(package_id)", {"photogate", "80 random bits"}},
        {"package_texts(package_id,from_byte)", {"photogate", "begins with the package's id"}},
        {"jobs(id)", {"photogate", "a sequence"}},
        {"jobs(subject_kind,subject_id,generation,kind,slot)", {"photogate", "begins with the subject's id"}},
        {"callbacks(id)", {"photogate", "80 random bits"}},
        {"callbacks(subject_id,sequence)", {"photogate", "begins with the subject's id"}},
        {"variant_backfills(id)", {"photogate", "80 random bits"}},
        {"variant_backfills(app,profile,variant,recipe,created_after,created_before)",
         {"app", "what it asks for"}},
        {"gone_images(public_id)", {"photogate", "128 random bits"}},
        {"callback_attempts(callback_id,lease_token)", {"photogate", "begins with the callback's id"}},
        {"client_tokens(id)", {"photogate", "the token's id, which its signature proves"}},
        {"timeline(id)", {"photogate", "a sequence"}},
        {"event_quarantine(id)", {"photogate", "a sequence"}},
        {"processes(prefix)", {"photogate", "48 random bits of a process"}},
        // Of the installation: no tenant reaches them.
        {"inbox(event_id)", {"store", "a hash of source, bucket, key, version and sequencer"}},
        {"part_uploads(upload_id)", {"photogate", "an upload's id"}},
        {"resumables(upload_id)", {"photogate", "an upload's id"}},
        {"chunks(upload_id,beginning,first)", {"photogate", "begins with the upload's id"}},
        {"sweeps(key,bucket)", {"photogate", "a public object's name"}},
        {"rounds(name)", {"photogate", "names in the program and of regions"}},
        {"feed(single)", {"photogate", "one row"}},
        {"apps(name)", {"operator", "an app is made by operators alone"}},
        {"app_profiles(app,name)", {"operator", "a profile of an app is made by operators alone"}},
        {"app_keys(id)", {"photogate", "80 random bits"}},
        {"app_keys(hash)", {"photogate", "the hash of a key that it made of 256 random bits"}},
        {"app_callback_secrets(id)", {"photogate", "80 random bits"}},
        {"version_counts(app,day,shard)", {"photogate", "an app, a day and a number below 8"}},
        {"app_audit(id)", {"photogate", "a sequence"}},
        {"app_changes(only_one)", {"photogate", "one row"}},
        {"schema_migrations(version)", {"photogate", "the number of a migration"}},
    };
    return known;
}

class TenantKeysTest : public RecordsTest {};

TEST_F(TenantKeysTest, every_key_of_the_schema_is_listed_with_whose_choice_it_is) {
    const auto rows = database.run(R"(
        select c.relname || '(' || string_agg(a.attname, ',' order by k.place) || ')' as key
        from pg_index i
        join pg_class c on c.oid = i.indrelid
        cross join lateral unnest(i.indkey::smallint[]) with ordinality as k (number, place)
        join pg_attribute a on a.attrelid = c.oid and a.attnum = k.number
        where i.indisunique and c.relnamespace = current_schema()::regnamespace
        group by c.relname, i.indexrelid)");
    std::map<std::string, int> found;
    for (const auto& row : rows)
        ++found[row[0].c_str()];
    for (const auto& [key, times] : found)
        EXPECT_TRUE(keys().contains(key)) << key << ": say whose choice it is";
    for (const auto& [key, reason] : keys())
        EXPECT_TRUE(found.contains(key)) << key << " is no key any more";
}

TEST_F(TenantKeysTest, what_an_app_chooses_stands_behind_its_name) {
    for (const auto& [key, reason] : keys()) {
        if (std::string_view{reason.chosen_by} == "app") {
            EXPECT_NE(key.find("(app,"), std::string::npos) << key;
        }
    }
}

}  // namespace
}  // namespace photogate::storage::records::test
