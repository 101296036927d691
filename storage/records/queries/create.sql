-- t1, for a group of requests at once.

-- name: create_uploads
-- Rows whose idempotency key is taken are left out; the ids that went in come back.
with input as materialized (
    select * from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                         $9::text[], $10::text[], $11::bigint[], $12::text[], $13::jsonb[], $14::text[], $15::text[],
                         $16::text[], $17::timestamptz[], $18::timestamptz[], $19::text[], $20::text[], $22::text[])
        as t (id, public_id, app, profile, method, region, bucket, key, filename, declared_type, declared_size,
              declared_sha256, metadata, client_fields, callback_url, request_id, created_at, expires_at, idempotency_key,
              request_sha256, client_token)
),
keys as (
    insert into idempotency_keys as known (app, key, request_sha256, upload_id, created_at)
    select app, idempotency_key, request_sha256, id, $21::timestamptz from input
    where idempotency_key is not null
    order by app, idempotency_key
    on conflict (app, key) do update
        set request_sha256 = excluded.request_sha256, upload_id = excluded.upload_id, created_at = excluded.created_at
        where known.created_at <= $21::timestamptz - interval '24 hours'
    returning upload_id
)
insert into uploads (id, public_id, app, profile, method, region, bucket, key, filename, declared_type, declared_size,
                     declared_sha256, metadata, client_fields, callback_url, request_id, created_at, expires_at, updated_at, client_token)
select id, public_id, app, profile, method, region, bucket, key, filename, declared_type, declared_size, declared_sha256,
       metadata, client_fields::text[], callback_url, request_id, created_at, expires_at, created_at, client_token
from input
where idempotency_key is null or id in (select upload_id from keys)
returning id;

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
update uploads set expires_at = $3::timestamptz, state = 'created', finished_at = null, updated_at = $4::timestamptz
where id = $1 and app = $2 and state in ('created', 'expired')
returning *;
