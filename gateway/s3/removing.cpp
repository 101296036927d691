// DeleteObject and DeleteObjects.
#include <optional>
#include <utility>

#include "gateway/s3/operations.hpp"
#include "gateway/s3/request_documents.hpp"
#include "gateway/s3/xml.hpp"

namespace photogate::gateway::s3 {

namespace {

using storage::builtin::Removal;

/// The outcome for each entry of the request: nullopt where the object is gone. A refused entry does not
/// affect the others.
std::vector<std::optional<S3Error>> remove_all(Dependencies& dependencies, const Call& call,
                                               const DeleteRequest& request) {
    std::vector<std::optional<S3Error>> outcomes(request.entries.size());
    std::vector<Removal> allowed;
    std::vector<std::size_t> places;
    for (std::size_t i = 0; i < request.entries.size(); ++i) {
        const DeleteEntry& entry = request.entries[i];
        auto key = read_key(entry.key);
        if (!key) {
            outcomes[i] = key.error();
        } else if (!permits(*call.permissions, {Action::delete_object, &call.bucket(), &*key})) {
            outcomes[i] = refuse(Code::AccessDenied).value();
        } else if (entry.version && *entry.version != "null") {
            outcomes[i] = refuse(Code::NoSuchVersion).value();
        } else {
            allowed.push_back({std::move(*key), entry.etag, entry.size, entry.modified});
            places.push_back(i);
        }
    }
    const auto removed = dependencies.store.objects().remove_matching(call.bucket(), allowed);
    for (std::size_t i = 0; i < places.size(); ++i) {
        if (!removed) outcomes[places[i]] = of(removed.error());
        if (removed && (*removed)[i]) outcomes[places[i]] = of(*(*removed)[i]);
    }
    return outcomes;
}

S3Result<http::Response> delete_named(Dependencies& dependencies, const Call& call,
                                      const std::string& document) {
    const auto request = read_delete_request(document);
    if (!request) return refuse(Code::MalformedXML);
    if (auto there = dependencies.store.buckets().check(call.bucket()); !there)
        return refuse(of(there.error()));
    const auto outcomes = remove_all(dependencies, call, *request);
    Xml xml{"DeleteResult"};
    for (std::size_t i = 0; i < outcomes.size(); ++i) {
        const std::string& key = request->entries[i].key;
        if (outcomes[i]) {
            xml.open("Error").add("Key", key);
            if (request->entries[i].version) xml.add("VersionId", *request->entries[i].version);
            xml.add("Code", to_string(outcomes[i]->code)).add("Message", outcomes[i]->message).close();
        } else if (request->answer == Loudness::all) {
            xml.open("Deleted").add("Key", key).close();
        }
    }
    return xml_response(xml.done());
}

}  // namespace

void delete_object(Dependencies& dependencies, CallPtr call) {
    run(call, dependencies.pool, [&dependencies, call]() -> S3Result<http::Response> {
        if (auto known = check_version(*call); !known) return refuse(known.error());
        Result<> removed;
        if (const auto match = call->request.headers.find("If-Match"); match && *match != "*") {
            const auto etag = parse_etag(*match);
            if (!etag) return refuse(Code::InvalidArgument, "If-Match is not an ETag.");
            removed = dependencies.store.objects().remove_if(call->bucket(), call->key(), *etag);
        } else {
            removed = dependencies.store.objects().remove(call->bucket(), {call->key()});
        }
        if (!removed) return refuse(of(removed.error()));
        return http::Response::empty(204);
    });
}

void delete_objects(Dependencies& dependencies, CallPtr call) {
    auto promise = read_promise(call->request, call->verified);
    if (!promise) return call->refuse(promise.error());
    pump(call, dependencies.pool,
         document_sink(std::move(*promise), kMostRequestDocument,
                       [&dependencies, call](const std::string& document) {
                           return delete_named(dependencies, *call, document);
                       }));
}

}  // namespace photogate::gateway::s3
