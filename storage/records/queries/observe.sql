-- t2, for a group of observations at once.

-- name: take_in_events
-- Those that were not known come back.
insert into inbox (event_id, source, received_at)
select event_id, source, $3::timestamptz from unnest($1::text[], $2::text[]) as t (event_id, source)
order by event_id
on conflict (event_id) do nothing
returning event_id;

-- name: lock_observed
-- A region's observation never moves another region's upload, although their buckets may have one name.
select u.* from unnest($1::text[], $2::text[], $3::text[]) as seen (bucket, key, region)
join uploads u on u.key = seen.key and u.bucket = seen.bucket and u.region = seen.region
order by u.id
for no key update of u;

-- name: receive_uploads
with input as materialized (
    select * from unnest($1::text[], $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bigint[])
        as t (id, etag, size, version, client_metadata, sequence)
),
received as (
    update uploads u
    set state = 'uploaded', received_at = $7::timestamptz, updated_at = $7::timestamptz, finished_at = null,
        pinned_etag = i.etag, pinned_size = i.size, pinned_version = i.version, client_metadata = i.client_metadata,
        sequence = i.sequence, generation = u.generation + 1
    from input i
    where u.id = i.id and u.state in ('created', 'expired')
    returning u.id, u.app, u.generation, u.client_token
),
queued as (
    insert into jobs (subject_id, generation, app, kind, party)
    select id, generation, app, 'process', coalesce(client_token, '') from received
    on conflict (subject_kind, subject_id, generation, kind, slot) do nothing
    returning subject_id
)
select received.id from received;

-- name: queue_finding
-- $1 buckets, $2 keys, $3 regions. Those whose upload waits for its object come back, also where the job was there before.
with waiting as materialized (
    select u.id, u.generation, u.app, coalesce(u.client_token, '') as party
    from unnest($1::text[], $2::text[], $3::text[]) as seen (bucket, key, region)
    join uploads u on u.key = seen.key and u.bucket = seen.bucket and u.region = seen.region
    where u.state in ('created', 'expired')
),
queued as (
    insert into jobs (subject_id, generation, app, kind, party)
    select distinct id, generation, app, 'find_object', party from waiting
    order by id
    on conflict (subject_kind, subject_id, generation, kind, slot) do nothing
)
select distinct id from waiting;

-- name: queue_unwanted
-- $1 uploads that have ended, locked. The object that was seen is removed by a job of the next generation, so that nobody waits for it.
-- One that is claimed may have looked before the object came, so another is queued beside it.
insert into jobs (subject_id, generation, app, kind, detail, party, slot)
select u.id, u.generation + 1, u.app, 'settle_original', 'remove', coalesce(u.client_token, ''), 'late ' || pg_current_xact_id()::text
from uploads u
where u.id = any($1::text[]) and u.state in ('published', 'rejected', 'cancelled', 'deleted')
  and not exists (select from jobs j
                  where j.subject_kind = 'upload' and j.subject_id = u.id and j.kind = 'settle_original' and j.slot like 'late %'
                    and j.lease_token is null)
on conflict (subject_kind, subject_id, generation, kind, slot) do nothing;

-- name: note
-- A client can put its object again and again: what follows from that is noted 20 times for an upload, and no more.
insert into timeline (subject_id, at, event, detail)
select subject_id, $4::timestamptz, event, detail
from unnest($1::text[], $2::text[], $3::text[]) as t (subject_id, event, detail)
where t.event not in ('object.changed', 'object.unwanted')
   or (select count(*) from (select from timeline n where n.subject_id = t.subject_id and n.event = t.event limit 20) few) < 20;

-- name: quarantine_event
insert into event_quarantine (source, reason, body, received_at) values ($1, $2, $3::bytea, $4::timestamptz);
