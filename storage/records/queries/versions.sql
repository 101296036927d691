-- Versions of published images: $1 the upload, $2 the version's key. The upload is locked before the claim, as in a deletion.

-- name: find_version
select region, bucket, key, etag, sha256, format, width, height, size, made_at
from images where upload_id = $1 and role = 'version' and spec_key = $2 and state = 'live';

-- name: ready_versions
select spec_key, region, bucket, key, etag, sha256, format, width, height, size, made_at
from images where upload_id = $1 and role = 'version' and state = 'live'
order by spec_key
limit 1000;

-- name: find_versions
-- $1 uploads and $2 keys, in pairs
select i.upload_id, i.spec_key, i.key, i.etag, i.sha256, i.format, i.width, i.height, i.size
from unnest($1::text[], $2::text[]) as wanted (upload_id, spec_key)
join images i on i.upload_id = wanted.upload_id and i.role = 'version' and i.spec_key = wanted.spec_key
where i.state = 'live';

-- name: set_sequence
-- Of the newest callback about an upload.
update uploads set sequence = $2 where id = $1;

-- name: claim_version
-- $3 the token, $4 the lease in milliseconds, $5 how many versions the image may have, or null. A lease that ran out was an attempt.
-- The commit does not wait for the disk: a claim that a crash of PostgreSQL undoes is made again, and finish_version refuses the first.
with relaxed as materialized (select set_config('synchronous_commit', 'off', true))
insert into version_claims as c (upload_id, spec_key, lease_token, lease_until)
select u.id, $2, $3, now() + make_interval(secs => $4::double precision / 1000)
from uploads u, relaxed
where u.id = $1 and u.state = 'published'
  and ($5::bigint is null
       or exists (select from version_claims own where own.upload_id = $1 and own.spec_key = $2)
       or (select count(*) from images i where i.upload_id = $1 and i.role = 'version')
          + (select count(*) from version_claims begun where begun.upload_id = $1) < $5::bigint)
on conflict (upload_id, spec_key) do update
    set lease_token = excluded.lease_token, lease_until = excluded.lease_until,
        attempts = c.attempts + case when c.lease_token is null then 0 else 1 end
    where c.retry_at <= now() and (c.lease_token is null or c.lease_until < now())
returning attempts;

-- name: version_claim
select attempts, code, lease_token, lease_token is not null and lease_until >= now() as held,
       greatest(0, ceil(extract(epoch from coalesce(lease_until, retry_at) - now()) * 1000))::bigint as for_ms
from version_claims where upload_id = $1 and spec_key = $2;

-- name: versions_of_image
-- Stored, and begun.
select (select count(*) from images where upload_id = $1 and role = 'version')
     + (select count(*) from version_claims where upload_id = $1);

-- name: lock_published
-- Against a deletion that comes at the same time.
select region from uploads where id = $1 and state = 'published' for share;

-- name: drop_version_claim
-- $3 the token
delete from version_claims where upload_id = $1 and spec_key = $2 and lease_token = $3 returning upload_id;

-- name: store_version
-- $3 the region, $4 the public bucket, $5 to $12 the image, $13 now. Nothing where the object is being removed as an orphan.
with stored as (
    insert into images (upload_id, role, spec_key, region, bucket, key, etag, sha256, crc32, format, width, height, size, made_at, used_at)
    select $1, 'version', $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::timestamptz, now()
    where not exists (select from sweeps where key = $5)
    returning id, upload_id, made_at
), counted as (
    insert into version_counts (app, day, shard, made)
    select u.app, (s.made_at at time zone 'UTC')::date, abs(hashtext(u.id)) % 8, 1
    from stored s join uploads u on u.id = s.upload_id
    on conflict (app, day, shard) do update set made = version_counts.made + 1
)
select id from stored;

-- name: finish_version
-- The three above in one statement, with $3 the token in place of the region: whether the claim was the caller's, and whether the version is stored.
with published as materialized (
    select region from uploads where id = $1 and state = 'published' for share
), claimed as (
    delete from version_claims
    where upload_id = $1 and spec_key = $2 and lease_token = $3 and exists (select from published)
    returning upload_id
), stored as (
    insert into images (upload_id, role, spec_key, region, bucket, key, etag, sha256, crc32, format, width, height, size, made_at, used_at)
    select $1, 'version', $2, p.region, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::timestamptz, now()
    from published p, claimed
    where not exists (select from sweeps where key = $5)
    on conflict (upload_id, role, spec_key) where upload_id is not null do nothing
    returning id, upload_id, made_at
), counted as (
    insert into version_counts (app, day, shard, made)
    select u.app, (s.made_at at time zone 'UTC')::date, abs(hashtext(u.id)) % 8, 1
    from stored s join uploads u on u.id = s.upload_id
    on conflict (app, day, shard) do update set made = version_counts.made + 1
)
select exists (select from claimed) as claimed, exists (select from stored) as stored;

-- name: fail_version
-- $3 the token, $4 why, $5 milliseconds until it may be tried again, $6 whether it counts
update version_claims
set lease_token = null, lease_until = null, code = $4, attempts = attempts + $6::integer,
    retry_at = now() + make_interval(secs => $5::double precision / 1000)
where upload_id = $1 and spec_key = $2 and lease_token = $3
returning attempts;

-- name: versions_used
-- $1 uploads and $2 keys, in pairs. Roughly: no row is written more than once an hour for it.
update images i set used_at = now()
from unnest($1::text[], $2::text[]) as used (upload_id, spec_key)
where i.upload_id = used.upload_id and i.spec_key = used.spec_key and i.role = 'version'
  and (i.used_at is null or i.used_at < now() - interval '1 hour')
returning i.id;

-- name: versions_being_removed
select bucket, key from images where upload_id = $1 and role = 'version' and state = 'removing';

-- name: expire_version_claims_of_processes
update version_claims set lease_until = now() - interval '1 second'
where lease_token is not null and left(lease_token, 12) = any($1::text[]) and lease_until >= now();

-- name: forget_version_claims
delete from version_claims where ctid = any (array(
    select ctid from version_claims
    where retry_at < now() - interval '1 day' and (lease_until is null or lease_until < now()) limit 2000));

-- name: count_made_of_backfill
-- $1 the backfill, $2 made, $3 failed
update variant_backfills set made = made + $2::integer, failed = failed + $3::integer where id = $1;
