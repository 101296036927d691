"""Tables in memory whose entries outlive a request: each is listed with its key, and with what bounds it.

What a tenant chooses (a URL, a header, a token) may be a key only together with its app, so that nobody's choice reaches another's
entries. tests/integration/storage_records/tenant_keys_test.cpp holds the same for the tables of the database.
"""
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODULES = ("delivery", "gateway/http", "gateway/routes", "gateway/s3", "gateway/system", "notifier", "pipeline", "storage/database",
           "storage/records", "storage/variants", "storage/packages")
MEMBER = re.compile(r"^\s*(?:std::(?:unordered_)?(?:multi)?(?:map|set)<.*>|Endpoints|Turn)\s+(\w+_|turn)(?:\{\})?;", re.M)

# file: {member: (key, why it is nobody else's, what bounds it)}
REGISTRIES = {
    "delivery/disk_cache.hpp": {"writing_": ("public id, SHA-256", "made by photogate", "the writes under way")},
    "delivery/recent_images.hpp": {"entries_": ("public id, version", "only images and versions that there are", "10,000")},
    "delivery/version_maker.hpp": {"flights_": ("upload, version", "the image's, of an app", "delivery.max_versions_making"),
                                   "of_apps_": ("app", "the image's", "delivery.max_versions_making")},
    "delivery/version_use.hpp": {"names_": ("upload, version", "only versions that there are", "50,000")},
    "gateway/http/connection_limits.hpp": {"counts_": ("client address", "a connection's own", "open connections")},
    "gateway/http/http_metrics.hpp": {"series_": ("route, method, status", "no tenant's choice", "the routes")},
    "gateway/routes/package_downloads.cpp": {"of_package_": ("package id", "made by photogate, proved by the link's signature", "the downloads under way")},
    "gateway/s3/bucket_cors.hpp": {"rules_": ("bucket", "made and set by the store's administrator and worker", "the buckets, 64 KiB each")},
    "notifier/callbacks/callback_queue.hpp": {"endpoints_": ("app, URL", "the app comes with it", "10,000, idle ones forgotten")},
    "notifier/gates/call_pool.hpp": {"keys_": ("URL; in it app and client token", "of the configuration; proved by its signature", "the uploads that wait")},
    "notifier/gates/hook_caller.hpp": {"breakers_": ("URL", "of the configuration", "the hooks")},
    "notifier/events/fetched_keys.hpp": {"kept_": ("source, URL", "a table for each source, its hosts configured", "16 of a source"),
                                         "failed_": ("source, URL", "a table for each source, its hosts configured", "16 of a source, a minute each")},
    "notifier/events/refusal_log.hpp": {"entries_": ("event source", "names of the configuration, one for all others", "the sources")},
    "notifier/events/source.hpp": {"sources_": ("event source", "names of the configuration", "the sources")},
    "pipeline/event_metrics.hpp": {"by_source_": ("event source", "names of the configuration, one for all others", "the sources")},
    "pipeline/jobs/handlers.hpp": {"handlers_": ("job kind", "no tenant's choice", "the program")},
    "pipeline/packages/package_parts.hpp": {"done_": ("part number", "no tenant's choice", "10,000 parts of one archive"),
                                            "fragments_": ("part number", "no tenant's choice", "10,000 parts of one archive")},
    "pipeline/stores.hpp": {"stores_": ("region", "names of the configuration", "the regions")},
    "pipeline/uploads/open_uploads.hpp": {"counted_": ("app", "proved by its key", "the apps with limits"),
                                          "granted_": ("app", "proved by its key", "the apps with limits")},
    "storage/database/columns.hpp": {"numbers_": ("column", "no tenant's choice", "one result")},
    "storage/database/connection_pool.hpp": {"prepared_": ("query name", "no tenant's choice", "the program"),
                                             "lent_": ("connection", "no tenant's choice", "the pool")},
    "storage/records/observe.cpp": {"unwanted_": ("upload id", "made by photogate", "one group of observations")},
    "storage/records/outbox.cpp": {"turn": ("app", "the last URL of each app", "the apps with callbacks waiting")},
    "storage/records/postgres.hpp": {"turn_parties_": ("app, job kind", "the last client token of each", "apps times kinds")},
    "storage/records/token_ledger.hpp": {"accounts_": ("token id", "proved by the token's signature", "one group of requests"),
                                         "refused_": ("token id", "proved by the token's signature", "one group of requests")},
}


def members():
    found = {}
    for module in MODULES:
        for path in sorted((ROOT / module).rglob("*.?pp")):
            names = MEMBER.findall(path.read_text(encoding="utf-8"))
            if names:
                found.setdefault(path.relative_to(ROOT).as_posix(), set()).update(names)
    return found


def test_every_registry_is_listed_with_its_key():
    listed = {file: set(names) for file, names in REGISTRIES.items() if names}
    found = members()
    unlisted = {file: sorted(names - listed.get(file, set())) for file, names in found.items() if names - listed.get(file, set())}
    assert unlisted == {}, "say what each is keyed by, whose choice that is, and what bounds it"
    gone = {file: sorted(names - found.get(file, set())) for file, names in listed.items() if names - found.get(file, set())}
    assert gone == {}
