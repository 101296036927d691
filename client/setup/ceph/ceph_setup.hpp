// Ceph's RADOS Gateway made ready for a gateway: two users, three buckets that belong to one of them, a policy, a topic.
//
// Sources: Ceph's "Admin Operations", "Bucket Policies" and "Bucket Notifications"; docs/deploy/ceph.md has the same by hand.
//
// Thread safety: one thread.
#pragma once

#include <memory>

#include "client/setup/store_setup.hpp"

namespace photogate::client::setup::ceph {

/// How the topic's endpoint shows the token. RGW takes a password in a URL over TLS alone.
enum class Proof { basic, query };

/// `wanted.administrator` is a user with the capability `users=*`. Asks nothing yet.
std::unique_ptr<StoreSetup> open(Wanted wanted, Proof proof);

}  // namespace photogate::client::setup::ceph
