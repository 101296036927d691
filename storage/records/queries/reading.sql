-- Lists, the timeline and the backlog.
-- Lists: $1 app or null, $2 before id or null, $3 the least id, $4 state or null, $5 profile or null, $6 created after or null,
-- $7 metadata, $8 limit. One statement for each index that can serve it.

-- name: list_of_app
select * from uploads
where app = $1 and ($2::text is null or id < $2) and id >= $3 and ($4::text is null or state = $4)
  and ($5::text is null or profile = $5) and ($6::timestamptz is null or created_at > $6) and metadata @> $7::jsonb
order by app desc, id desc
limit $8::integer;

-- name: list_of_all
select * from uploads
where ($1::text is null or app = $1) and ($2::text is null or id < $2) and id >= $3 and ($4::text is null or state = $4)
  and ($5::text is null or profile = $5) and ($6::timestamptz is null or created_at > $6) and metadata @> $7::jsonb
order by id desc
limit $8::integer;

-- name: list_by_metadata
with found as materialized (select id from uploads where metadata @> $7::jsonb and metadata <> '{}'::jsonb)
select * from uploads
where id in (select id from found) and ($1::text is null or app = $1) and ($2::text is null or id < $2) and id >= $3
  and ($4::text is null or state = $4) and ($5::text is null or profile = $5)
  and ($6::timestamptz is null or created_at > $6)
order by id desc
limit $8::integer;

-- name: list_of_unusual
select * from uploads
where unusual_end = $4 and ($1::text is null or app = $1) and ($2::text is null or id < $2) and id >= $3
  and ($5::text is null or profile = $5) and ($6::timestamptz is null or created_at > $6) and metadata @> $7::jsonb
order by unusual_end desc, id desc
limit $8::integer;

-- name: list_of_working
select * from uploads
where id in (select subject_id from jobs where kind = 'process' and subject_kind = 'upload' and ($1::text is null or app = $1))
  and ($1::text is null or app = $1) and ($2::text is null or id < $2) and id >= $3 and state = $4
  and ($5::text is null or profile = $5) and ($6::timestamptz is null or created_at > $6) and metadata @> $7::jsonb
order by id desc
limit $8::integer;

-- name: list_similar_exact
-- $9 the hash, $10 unused, $11 an id that is left out or null, $12 the least distance (and there, only ids before $2), $13 all hashes
-- that are near enough. Of one hash 1,000 uploads are looked at, the newest.
with near as materialized (
    select hash, bit_count((hash # $9::bigint)::bit(64))::integer as distance
    from unnest($13::bigint[]) as asked (hash)
    cross join lateral (select 1 as found from picture_hashes p
                        where p.app = $1 and p.block_0 = every_fourth_bit(asked.hash, 0) and p.hash = asked.hash
                        limit 1) as there  -- so that each is looked up in the index, and not all compared
    where $10::integer >= 0
)
select found.* from (select * from near order by distance) as near cross join lateral (
    select u.* from (
        select p.upload_id from picture_hashes p
        where p.app = $1 and p.block_0 = every_fourth_bit(near.hash, 0) and p.hash = near.hash
          and ($2::text is null or near.distance > $12::integer or p.upload_id < $2) and p.upload_id >= $3
          and ($11::text is null or p.upload_id <> $11)
        order by p.upload_id desc
        limit 1000
    ) as p join uploads u on u.id = p.upload_id
    where u.state = 'published'
      and ($4::text is null or u.state = $4) and ($5::text is null or u.profile = $5)
      and ($6::timestamptz is null or u.created_at > $6) and u.metadata @> $7::jsonb
    order by u.id desc
    limit $8::integer
) as found
order by near.distance, found.id desc
limit $8::integer;

-- name: list_similar
-- $9 the hash, $10 how many bits may differ, $11 an id that is left out or null, $12 the least distance (and there, only ids before
-- $2), $13 to $16 the values that each of the four blocks may have, $17 how many hashes of each block are looked at. First the
-- hashes, from the indexes alone; then the uploads of the 500 nearest, distance by distance until there are enough.
with near as materialized (
    select hash, bit_count((hash # $9::bigint)::bit(64))::integer as distance from (
        select hash from (select hash from picture_hashes where app = $1 and block_0 = any($13::integer[]) limit $17::integer) as c
        where bit_count((hash # $9::bigint)::bit(64)) between $12::integer and $10::integer
        union
        select hash from (select hash from picture_hashes where app = $1 and block_1 = any($14::integer[]) limit $17::integer) as c
        where bit_count((hash # $9::bigint)::bit(64)) between $12::integer and $10::integer
        union
        select hash from (select hash from picture_hashes where app = $1 and block_2 = any($15::integer[]) limit $17::integer) as c
        where bit_count((hash # $9::bigint)::bit(64)) between $12::integer and $10::integer
        union
        select hash from (select hash from picture_hashes where app = $1 and block_3 = any($16::integer[]) limit $17::integer) as c
        where bit_count((hash # $9::bigint)::bit(64)) between $12::integer and $10::integer
    ) as candidates
    order by distance, hash
    limit 500
)
select found.* from (select * from near order by distance) as near cross join lateral (
    select u.* from (
        select p.upload_id from picture_hashes p
        where p.app = $1 and p.block_0 = every_fourth_bit(near.hash, 0) and p.hash = near.hash
          and ($2::text is null or near.distance > $12::integer or p.upload_id < $2) and p.upload_id >= $3
          and ($11::text is null or p.upload_id <> $11)
        order by p.upload_id desc
        limit 1000
    ) as p join uploads u on u.id = p.upload_id
    where u.state = 'published'
      and ($4::text is null or u.state = $4) and ($5::text is null or u.profile = $5)
      and ($6::timestamptz is null or u.created_at > $6) and u.metadata @> $7::jsonb
    order by u.id desc
    limit $8::integer
) as found
order by near.distance, found.id desc
limit $8::integer;

-- name: ended_uploads
-- Of the uploads that clients wait for. What only looks again after the grant is no job of an upload: that is of a generation
-- that the upload has not. The limit keeps the planner from reading all jobs.
select u.id,
       (select count(*) from (select from jobs j where j.subject_kind = 'upload' and j.subject_id = u.id and j.generation <= u.generation limit 1) as one) > 0
           as has_jobs
from uploads u
where u.id = any($1::text[]) and u.state in ('published', 'rejected', 'failed', 'expired', 'cancelled', 'deleted');

-- name: marks_of_uploads
-- xmin is another after every change of the row.
select id, xmin::text::bigint as mark from uploads where id = any($1::text[]);

-- name: find_marked_upload
-- $2 null: the operator, across apps.
select *, xmin::text::bigint as mark from uploads where id = $1 and ($2::text is null or app = $2);

-- name: steps_of_upload
-- $1 upload, $2 behind this place, $3 at most. The timeline also has what changes no state. Places grow in the order of the
-- changes: each is written while its transaction holds the upload's row.
select id, at,
       case event when 'received' then 'uploaded' when 'repinned' then 'uploaded' when 'retried' then 'uploaded'
                  when 'postponed' then 'uploaded' when 'lease.lost' then 'uploaded'
                  when 'claimed' then 'processing' when 'resumed' then 'processing' else event end as state
from timeline
where subject_id = $1 and id > $2::bigint
  and (event in ('received', 'claimed', 'resumed', 'published', 'rejected', 'failed', 'expired', 'cancelled', 'deleted', 'repinned', 'retried')
       or event in ('postponed', 'lease.lost') and detail::json ->> 'job' = 'process')
order by id
limit $3::integer;

-- name: uploads_by_id
select * from uploads where id = any($1::text[]);

-- name: timeline
select at, event, detail from (
    select 0::bigint as place, created_at as at, 'created' as event,
           json_build_object('profile', profile, 'method', method, 'request_id', request_id)::text as detail
    from uploads where id = $1
    union all
    select id, at, event, detail from timeline where subject_id = $1
    union all
    select (1::bigint << 61) + c.sequence, a.at,
           case when a.error = '' then 'callback.delivered' else 'callback.attempted' end,
           json_build_object('callback', c.id, 'type', c.type, 'status', a.status, 'error', a.error,
                             'latency_ms', a.latency_ms)::text
    from callbacks c join callback_attempts a on a.callback_id = c.id
    where c.subject_id = $1
    union all
    select (1::bigint << 62) + c.sequence, c.finished_at, 'callback.dead',
           json_build_object('callback', c.id, 'type', c.type)::text
    from callbacks c
    where c.subject_id = $1 and c.state = 'dead'
) as facts
order by at, place
limit 1000;

-- name: backlog
-- Counted up to a bound: beyond it the exact number changes nothing. What a backfill has waiting gives way, and is not late.
select (select count(*) from (select from jobs where lease_token is null and run_at <= now() limit 100000) as r) as jobs_ready,
       (select count(*) from (select from jobs where lease_token is not null limit 100000) as l) as jobs_leased,
       (select count(*) from (select from jobs where held_by is not null and lease_token is null and held_by = 'scanner'
                              limit 100000) as s) as held_by_scanner,
       (select count(*) from (select from jobs where held_by is not null and lease_token is null and held_by like 'hook:%'
                              limit 100000) as h) as held_by_hooks,
       (select count(*) from (select from callbacks where state = 'waiting' limit 100000) as w) as callbacks_waiting,
       (select count(*) from (select from callbacks where state = 'dead' limit 100000) as d) as callbacks_dead,
       (select coalesce(extract(epoch from now() - min(ready_since)) * 1000, 0)::bigint
        from jobs where lease_token is null and run_at <= now() and not (patient and kind = 'make_variants')) as oldest_ready_ms,
       (select coalesce(extract(epoch from $1::timestamptz - min(next_attempt_at)) * 1000, 0)::bigint
        from callbacks where state = 'waiting' and next_attempt_at < 'infinity') as oldest_callback_ms;

-- name: pipeline_state
-- $1 now, as this program's clock has it. Every count is bounded; nothing reads a table from end to end.
select (select count(*) from (select from uploads where awaits_until is not null limit 100000) as c) as created,
       (select coalesce(extract(epoch from $1::timestamptz - min(awaits_until)) * 1000, 0)::bigint
        from uploads where awaits_until is not null) as oldest_past_grant_ms,
       (select count(*) from (select from jobs where lease_token is not null and lease_until < now() limit 100000) as l)
           as leases_over,
       (select coalesce(sum(greatest(unknown, last_unknown)), 0)::bigint from rounds where name like 'sweep-incoming/%')
           as unknown_incoming,
       (select coalesce(sum(greatest(unknown, last_unknown)), 0)::bigint from rounds where name like 'sweep-public/%')
           as unknown_public,
       (select coalesce(extract(epoch from now() - min(coalesce(finished_at, due_at))) * 1000, 0)::bigint
        from rounds where name like 'sweep-%') as oldest_sweep_ms,
       (select coalesce(extract(epoch from now() - min(coalesce(finished_at, due_at))) * 1000, 0)::bigint
        from rounds where name = 'open-minutes') as oldest_listing_ms,
       (select coalesce(n_dead_tup, 0) from pg_stat_user_tables where relname = 'jobs' and schemaname = current_schema())
           as dead_jobs,
       (select coalesce(n_dead_tup, 0) from pg_stat_user_tables where relname = 'callbacks' and schemaname = current_schema())
           as dead_callbacks,
       (select coalesce(extract(epoch from clock_timestamp() - min(xact_start)) * 1000, 0)::bigint
        from pg_stat_activity where datname = current_database() and backend_xmin is not null) as oldest_snapshot_ms,
       (extract(epoch from clock_timestamp()) * 1000000)::bigint as database_time_us;

-- name: find_gone_image
select app, profile from gone_images where public_id = $1;
