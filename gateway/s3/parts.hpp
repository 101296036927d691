// What the operations share, inside this room: the store, the pool, who hears of new objects; and the
// operations themselves, a function each.
//
// Thread safety: everything here is used from any thread.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "gateway/s3/service.hpp"
#include "signer/verify.hpp"

namespace photogate::gateway::s3 {

struct Parts {
    ServiceOptions options;
    storage::objects::FolderStore& store;
    http::WorkPool& pool;
    const Clock& clock;
    signer::Verifier verifier;
    std::map<std::string, Permissions> permissions;  ///< by access key id
};

// Each answers the call, now or later. The caller is known and permitted, but for a form, whose signature
// stands in its body.
void read_object(Parts& parts, CallPtr call);  ///< GetObject, HeadObject
void put_object(Parts& parts, CallPtr call);
void copy_object(Parts& parts, CallPtr call);
void delete_object(Parts& parts, CallPtr call);
void delete_objects(Parts& parts, CallPtr call);
void post_form(Parts& parts, CallPtr call);
void create_upload(Parts& parts, CallPtr call);
void put_part(Parts& parts, CallPtr call);
void copy_part(Parts& parts, CallPtr call);
void list_parts(Parts& parts, CallPtr call);
void complete_upload(Parts& parts, CallPtr call);
void abort_upload(Parts& parts, CallPtr call);
void list_uploads(Parts& parts, CallPtr call);
void list_objects(Parts& parts, CallPtr call);
void list_buckets(Parts& parts, CallPtr call);
void create_bucket(Parts& parts, CallPtr call);
void delete_bucket(Parts& parts, CallPtr call);
void see_bucket(Parts& parts, CallPtr call);
void put_notification(Parts& parts, CallPtr call);
void object_setting(Parts& parts, CallPtr call);

}  // namespace photogate::gateway::s3
