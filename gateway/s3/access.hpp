// Permissions of callers, divided as in etc/minio/*.json. The signer of upload URLs may put under a prefix of
// the incoming bucket and nothing else; the worker may access the objects of its buckets; the administrator
// the whole store.
//
// The default is to deny; an unknown key id has no entry. Thread safety: immutable once made.
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
    see_bucket,  ///< location, configuration, existence
    list_objects,
    configure_bucket,
    get_object,
    put_object,  ///< and every step of a multipart upload except an abort
    delete_object,
    tag_object,  ///< one that is there
    abort_upload,
    list_parts,
};

struct Permission {
    std::set<Action> actions;
    std::set<Bucket> buckets;  ///< empty: all
    std::string key_prefix;    ///< of keys, for actions on keys
};
using Permissions = std::vector<Permission>;

Permissions put_only(const Bucket& incoming, std::string prefix);
Permissions objects_of(std::set<Bucket> buckets);
Permissions everything();

struct Caller {
    signer::Credentials credentials;
    Permissions permissions;
};

/// An action and its target; `bucket` is null for the whole service, `key` for the bucket itself.
struct AccessRequest {
    Action action;
    const Bucket* bucket = nullptr;
    const ObjectKey* key = nullptr;
};
bool permits(const Permissions& permissions, const AccessRequest& request);

}  // namespace photogate::gateway::s3
