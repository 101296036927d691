-- t1, for a group of requests at once.

-- name: claim_idempotency_keys
-- For the uploads $4, by app and key, in the order of their keys, so that groups can't wait for each other; whose key is taken is left out.
insert into idempotency_keys as known (app, key, request_sha256, upload_id, created_at)
select app, key, request_sha256, id, $5::timestamptz
from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as t (app, key, request_sha256, id)
order by app, key
on conflict (app, key) do update
    set request_sha256 = excluded.request_sha256, upload_id = excluded.upload_id, batch = null,
        created_at = excluded.created_at
    where known.created_at <= $5::timestamptz - interval '24 hours'
returning upload_id;

-- name: open_tokens
-- What was used of each, locked until this transaction ends; in the order of their ids, so that groups can't wait for each other.
insert into client_tokens as known (id, app, profile, expires_at)
select id, app, profile, expires_at
from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) as t (id, app, profile, expires_at)
order by id
on conflict (id) do update set uploads = known.uploads
returning id, uploads, bytes;

-- name: count_token_uses
update client_tokens set uploads = client_tokens.uploads + t.uploads, bytes = client_tokens.bytes + t.bytes
from unnest($1::text[], $2::bigint[], $3::bigint[]) as t (id, uploads, bytes)
where client_tokens.id = t.id;

-- name: idempotent_uploads
-- What the keys of $1 (apps) and $2 (keys) were first used for; $3 now, which is within their day.
select k.key as idempotency_key, k.request_sha256 as request_sha256, u.*
from unnest($1::text[], $2::text[]) as asked (app, key)
join idempotency_keys k on k.app = asked.app and k.key = asked.key and k.created_at > $3::timestamptz - interval '24 hours'
join uploads u on u.id = k.upload_id;

-- name: published_with_bytes
-- For the uploads $4: the oldest published one of the app $1 and the profile $2 that was made of the bytes with the SHA-256 $3.
select asked.id as asked_by, found.*
from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as asked (app, profile, sha256, id)
cross join lateral (select * from uploads u
                    where u.app = asked.app and u.profile = asked.profile and u.found_sha256 = asked.sha256
                      and u.image_key is not null and u.unusual_end is null and u.state = 'published'
                    order by u.id limit 1) as found;

-- name: claim_batch_key
-- $1 app, $2 key, $3 request, $4 an id for each item of the batch, or an empty text, $6 one of them. No row: the key is taken.
insert into idempotency_keys as known (app, key, request_sha256, upload_id, batch, created_at)
values ($1, $2, $3, $6, $4::text[], $5::timestamptz)
on conflict (app, key) do update
    set request_sha256 = excluded.request_sha256, upload_id = excluded.upload_id, batch = excluded.batch,
        created_at = excluded.created_at
    where known.created_at <= $5::timestamptz - interval '24 hours'
returning app;

-- name: batch_of_key
select request_sha256, batch from idempotency_keys
where app = $1 and key = $2 and created_at > $3::timestamptz - interval '24 hours';

-- name: existing_uploads
select * from uploads where id = any($1::text[]);

-- name: extend_grant
-- Never earlier than it was: the URLs that were signed before are good until then.
update uploads set expires_at = greatest(expires_at, $3::timestamptz), state = 'created', finished_at = null, updated_at = $4::timestamptz
where id = $1 and app = $2 and state in ('created', 'expired')
returning *;

-- name: renew_grants
-- Of the uploads $1 those that wait for their file and whose grant has ended by now ($3): it ends at $2. In the order of their ids, so
-- that groups can't wait for each other.
with ended as (
    select u.id, asked.expires_at
    from unnest($1::text[], $2::timestamptz[]) as asked (id, expires_at) join uploads u on u.id = asked.id
    where u.state in ('created', 'expired') and u.expires_at <= $3::timestamptz
    order by u.id for update of u
)
update uploads u set expires_at = ended.expires_at, state = 'created', finished_at = null, updated_at = $3::timestamptz
from ended where u.id = ended.id
returning u.*;

-- name: await_parts
-- Of new multipart uploads $1: looked at when their grants have ended, $2.
insert into part_uploads (upload_id, look_at)
select id, look_at from unnest($1::text[], $2::timestamptz[]) as t (id, look_at);

-- name: parts_of_upload
select store_id from part_uploads where upload_id = $1;

-- name: expect_parts
-- Those of an upload that expired and whose parts were removed have no row any more.
insert into part_uploads (upload_id, look_at) select id, $2::timestamptz from uploads where id = $1
on conflict (upload_id) do nothing;

-- name: record_parts
-- $1 the upload, $2 the store's multipart upload, $3 when it is looked at. The first one counts; none of an upload that has its
-- object, or is over.
insert into part_uploads as known (upload_id, store_id, look_at)
select id, $2, $3::timestamptz from uploads where id = $1 and state in ('created', 'expired')
on conflict (upload_id) do update set store_id = coalesce(known.store_id, excluded.store_id)
returning store_id;

-- name: forget_parts_of_store
-- The store has no such multipart upload any more: the next one is begun anew.
update part_uploads set store_id = null where upload_id = $1 and store_id = $2;
