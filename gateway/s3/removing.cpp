// DeleteObject and DeleteObjects.
#include <algorithm>
#include <utility>

#include "gateway/s3/operations.hpp"
#include "gateway/s3/request_documents.hpp"
#include "gateway/s3/xml.hpp"

namespace photogate::gateway::s3 {

namespace {

struct Failed {
    std::string key;
    S3Error error;
};

/// Each key separately: a refused key does not affect the others.
std::vector<Failed> remove_all(Dependencies& dependencies, const Call& call, const DeleteRequest& request) {
    std::vector<Failed> failed;
    std::vector<ObjectKey> allowed;
    for (const std::string& text : request.keys) {
        auto key = read_key(text);
        if (!key) {
            failed.push_back({text, key.error()});
        } else if (!permits(*call.permissions, {Action::delete_object, &call.bucket(), &*key})) {
            failed.push_back({text, refuse(Code::AccessDenied).value()});
        } else {
            allowed.push_back(std::move(*key));
        }
    }
    if (auto removed = dependencies.store.objects().remove(call.bucket(), allowed); !removed) {
        for (const ObjectKey& key : allowed)
            failed.push_back({key.str(), of(removed.error())});
    }
    return failed;
}

S3Result<http::Response> delete_named(Dependencies& dependencies, const Call& call,
                                      const std::string& document) {
    const auto request = read_delete_request(document);
    if (!request) return refuse(Code::MalformedXML);
    if (auto there = dependencies.store.buckets().check(call.bucket()); !there)
        return refuse(of(there.error()));
    const auto failed = remove_all(dependencies, call, *request);
    Xml xml{"DeleteResult"};
    if (request->answer == Loudness::all) {
        for (const std::string& key : request->keys) {
            const bool kept = std::any_of(failed.begin(), failed.end(),
                                          [&](const Failed& each) { return each.key == key; });
            if (!kept) xml.open("Deleted").add("Key", key).close();
        }
    }
    for (const auto& [key, error] : failed) {
        xml.open("Error")
            .add("Key", key)
            .add("Code", to_string(error.code))
            .add("Message", error.message)
            .close();
    }
    return xml_response(xml.done());
}

}  // namespace

void delete_object(Dependencies& dependencies, CallPtr call) {
    run(call, dependencies.pool, [&dependencies, call]() -> S3Result<http::Response> {
        const auto* version = call->address.parameter("versionId");
        if (version != nullptr && !version->empty() && *version != "null") return refuse(Code::NoSuchVersion);
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
