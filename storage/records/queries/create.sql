-- t1, for a group of requests at once.

-- name: claim_idempotency_keys
-- For the uploads $4, by app and key, in the order of their keys, so that groups can't wait for each other; whose key is taken is left out.
insert into idempotency_keys as known (app, key, request_sha256, upload_id, created_at)
select app, key, request_sha256, id, $5::timestamptz
from unnest($1::text[], $2::text[], $3::text[], $4::text[]) as t (app, key, request_sha256, id)
order by app, key
on conflict (app, key) do update
    set request_sha256 = excluded.request_sha256, upload_id = excluded.upload_id, created_at = excluded.created_at
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
-- What the keys of $1 (apps) and $2 (keys) were first used for.
select k.key as idempotency_key, k.request_sha256 as request_sha256, u.*
from unnest($1::text[], $2::text[]) as asked (app, key)
join idempotency_keys k on k.app = asked.app and k.key = asked.key
join uploads u on u.id = k.upload_id;

-- name: existing_uploads
select * from uploads where id = any($1::text[]);

-- name: extend_grant
-- Never earlier than it was: the URLs that were signed before are good until then.
update uploads set expires_at = greatest(expires_at, $3::timestamptz), state = 'created', finished_at = null, updated_at = $4::timestamptz
where id = $1 and app = $2 and state in ('created', 'expired')
returning *;
