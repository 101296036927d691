// Who may do what: the same division as etc/minio/*.json, as values. The signer of upload URLs may put under
// a prefix of the incoming bucket and no more; the worker has the objects of its buckets; the administrator
// has the store.
//
// Deny is the default, and a strange key id has no entry here at all. Thread safety: immutable once made.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/words.hpp"
#include "signer/credentials.hpp"

namespace photogate::gateway::s3 {

enum class Action {
    list_buckets,
    create_bucket,
    delete_bucket,
    see_bucket,  ///< location, configuration, whether it is there
    list_objects,
    configure_bucket,
    get_object,
    put_object,  ///< and every step of a multipart upload but its end without an object
    delete_object,
    abort_upload,
    list_parts,
};

struct Permission {
    std::set<Action> actions;
    std::set<Bucket> buckets;  ///< empty: all
    std::string key_prefix;    ///< of keys, where the action has one
};
using Permissions = std::vector<Permission>;

Permissions put_only(const Bucket& incoming, std::string prefix);
Permissions objects_of(std::set<Bucket> buckets);
Permissions everything();

struct Caller {
    signer::Credentials credentials;
    Permissions permissions;
};

/// What is to be done to what; `bucket` is null for the whole service, `key` for the bucket itself.
struct Deed {
    Action action;
    const Bucket* bucket = nullptr;
    const ObjectKey* key = nullptr;
};
bool permits(const Permissions& permissions, const Deed& deed);

}  // namespace photogate::gateway::s3
