-- Claims, leases and what ends them. The order of locks is everywhere the same: jobs, then uploads, then callbacks.

-- name: claim_jobs
-- $1 token, $2 worker, $3 lease in seconds, $4 most, $5 and $6 the app and kind that had the last turn, $7 now for updated_at,
-- $8 the kinds that the worker knows, $9, $10 and $11 for each app and kind the party that had its last turn, $12 most of one party's
-- jobs that this worker may hold, $13 the regions whose jobs are left alone, $14 those that are near (none: all are), $15 for how many
-- milliseconds the jobs of any other region are left to workers that are near them.
--
-- A lane is an (app, kind), a party whoever the work is for within it (a client token, or the app itself). `lanes` and `parties`
-- skip through the index from one to the next, the parties from the one behind the last served; each gives its oldest jobs, and
-- they are dealt in rounds. A job that is under way counts as a round that its party, and its lane, have had. So ten thousand
-- jobs of one token delay another token's, and another app's, by one. Of very many parties 64 are looked at for each turn; the
-- oldest jobs of the lane, whosever they are, are candidates too. All of that is looked for in each region by itself, so that what
-- waits for a region that is down is not even passed over; `due` is when a job of the region has to have been due.
with recursive lanes as (
    (select app, kind, region from jobs where lease_token is null and not patient order by app, kind, region limit 1)
    union all
    select next.app, next.kind, next.region
    from lanes l
    cross join lateral (select j.app, j.kind, j.region from jobs j
                        where j.lease_token is null and not j.patient and (j.app, j.kind, j.region) > (l.app, l.kind, l.region)
                        order by j.app, j.kind, j.region limit 1) next
),
turns as materialized (
    select l.app, l.kind, l.region, last.party,
           case when l.region = '' or cardinality($14::text[]) = 0 or l.region = any($14::text[]) then now()
                else now() - make_interval(secs => $15::double precision / 1000) end as due
    from lanes l
    left join unnest($9::text[], $10::text[], $11::text[]) as last (app, kind, party) on last.app = l.app and last.kind = l.kind
    where l.kind = any($8::text[]) and l.region <> all($13::text[])
),
parties as (
    (select t.app, t.kind, t.region, t.due, first.party, t.party as last, false as again, 1 as steps
     from turns t
     cross join lateral (select j.party from jobs j
                         where j.lease_token is null and not j.patient and j.app = t.app and j.kind = t.kind
                           and j.region = t.region and j.party > t.party
                         order by j.party limit 1) first
     union all
     select t.app, t.kind, t.region, t.due, first.party, t.party, true, 1
     from turns t
     cross join lateral (select j.party from jobs j
                         where j.lease_token is null and not j.patient and j.app = t.app and j.kind = t.kind
                           and j.region = t.region and (t.party is null or j.party <= t.party)
                         order by j.party limit 1) first)
    union all
    select p.app, p.kind, p.region, p.due, next.party, p.last, p.again, p.steps + 1
    from parties p
    cross join lateral (select j.party from jobs j
                        where j.lease_token is null and not j.patient and j.app = p.app and j.kind = p.kind
                          and j.region = p.region and j.party > p.party and (not p.again or p.last is null or j.party <= p.last)
                        order by j.party limit 1) next
    where p.steps < least($4::integer * 2 + 8, 64)
),
held as materialized (
    select app, kind, party, count(*) as jobs, count(*) filter (where worker = $2) as here,
           count(*) filter (where patient and worker = $2) as patient_here
    from jobs
    where lease_token is not null
    group by app, kind, party
),
ready as materialized (
    select oldest.id, p.app, p.kind, p.party, oldest.run_at
    from parties p
    cross join lateral (select j.id, j.run_at
                        from jobs j
                        where j.lease_token is null and not j.patient and j.app = p.app and j.kind = p.kind
                          and j.region = p.region and j.party = p.party and j.run_at <= p.due
                        order by j.run_at, j.id
                        limit $4::integer * 2 + 8) oldest
    union
    select oldest.id, t.app, t.kind, oldest.party, oldest.run_at
    from turns t
    cross join lateral (select j.id, j.party, j.run_at
                        from jobs j
                        where j.lease_token is null and not j.patient and j.app = t.app and j.kind = t.kind
                          and j.region = t.region and j.run_at <= t.due
                        order by j.run_at, j.id
                        limit $4::integer * 2 + 8) oldest
    union
    -- Patience has an end: under a load that never ends too, every upload gets its verdict.
    (select j.id, j.app, j.kind, j.party, j.run_at
     from jobs j
     where j.lease_token is null and j.patient and j.kind = 'process' and j.kind = any($8::text[])
       and j.run_at <= now() - interval '10 minutes' and j.region <> all($13::text[])
     order by j.run_at, j.id
     limit $4::integer * 2 + 8)
),
dealt as (
    select r.*, row_number() over (partition by r.app, r.kind, r.party order by r.run_at, r.id) as nth
    from ready r
),
within_lane as (
    select d.id, d.app, d.kind,
           row_number() over (partition by d.app, d.kind
                              order by d.nth + coalesce(h.jobs, 0), coalesce(d.party <= t.party, false), d.party, d.nth) as nth
    from dealt d
    left join (select distinct app, kind, party from turns) t on t.app = d.app and t.kind = d.kind
    left join held h on h.app = d.app and h.kind = d.kind and h.party = d.party
    where d.party = '' or d.nth + coalesce(h.here, 0) <= $12::bigint
),
candidates as materialized (
    select w.id, row_number() over (order by w.nth + coalesce(h.jobs, 0), (w.app, w.kind) <= ($5, $6), w.app, w.kind) as place
    from within_lane w
    left join (select app, kind, sum(jobs) as jobs from held group by app, kind) h on h.app = w.app and h.kind = w.kind
    union all
    -- Only where no other upload waits, nor another job of its kind, and one at a time (of a backfill as many as of one party),
    -- so that whoever comes next finds the worker's other places free.
    (select j.id, 1
     from jobs j
     where j.lease_token is null and j.patient and j.kind = any($8::text[]) and j.run_at <= now()
       and j.region <> all($13::text[])
       and not exists (select from ready r where r.kind = 'process' or r.kind = j.kind)
       and (select coalesce(sum(patient_here), 0) from held) < case when j.kind = 'process' then 1 else $12::bigint end
     order by j.run_at, j.id
     limit 1)
    order by place
    limit $4::integer * 2 + 8
),
taken as materialized (
    select j.id, j.subject_kind, j.subject_id, j.generation, j.kind, c.place
    from candidates c
    cross join lateral (select * from jobs where jobs.id = c.id and jobs.lease_token is null
                        for update skip locked) j
    limit $4::integer
),
started as (
    update uploads u set state = 'processing', updated_at = $7::timestamptz
    from taken t
    where t.kind = 'process' and u.id = t.subject_id and u.state = 'uploaded' and u.generation = t.generation
    returning u.*
),
leased as (
    update jobs j
    set attempt = attempt + 1, lease_token = $1, lease_until = now() + make_interval(secs => $3::double precision), worker = $2,
        held_by = null
    from taken t
    where j.id = t.id and (t.kind <> 'process' or exists (select from started s where s.id = t.subject_id))
    returning j.id as job_id, j.subject_kind, j.subject_id, j.slot, j.payload, j.kind, j.detail as job_detail, j.attempt,
              j.ready_since, j.patient, j.app as job_app, j.party, j.waiting_since, t.place
),
pointless as (
    delete from jobs j using taken t
    where j.id = t.id and t.kind = 'process' and not exists (select from started s where s.id = t.subject_id)
),
noted as (
    insert into timeline (subject_id, at, event, detail)
    select subject_id, $7::timestamptz, 'claimed', json_build_object('worker', $2::text, 'attempt', attempt)::text
    from leased where kind = 'process' and waiting_since is null
)
select l.*, s.*
from leased l join started s on s.id = l.subject_id
where l.kind = 'process'
union all
select l.*, u.*
from leased l left join uploads u on l.subject_kind = 'upload' and u.id = l.subject_id
where l.kind <> 'process'
order by place;

-- name: claimed_before
-- After a COMMIT whose answer was lost: what this token holds.
select j.id as job_id, j.subject_kind, j.subject_id, j.slot, j.payload, j.kind, j.detail as job_detail, j.attempt, j.ready_since,
       j.patient, j.app as job_app, j.party, j.waiting_since, j.id as place, u.*
from jobs j left join uploads u on j.subject_kind = 'upload' and u.id = j.subject_id
where j.lease_token = $1
order by j.id;

-- name: extend_leases
update jobs j set lease_until = now() + make_interval(secs => $3::double precision)
from (select j2.id from unnest($1::bigint[], $2::text[]) as ours (id, token)
      join jobs j2 on j2.id = ours.id and j2.lease_token = ours.token
      order by j2.id
      for no key update of j2) held
where j.id = held.id
returning j.id, j.lease_token;

-- name: lock_leased
select j.id as job_id, j.kind as job_kind, j.attempt, j.crashes, j.generation as job_generation, j.subject_kind,
       j.subject_id, j.slot as job_slot, j.waiting_since
from jobs j
where j.id = $1 and j.lease_token = $2
for update;

-- name: lock_upload
select * from uploads where id = $1 for no key update;

-- name: look_again_at_job
-- After a COMMIT whose answer was lost: was this lease given back?
select given_back = $2 as given_back from jobs where id = $1;

-- name: look_again_at_upload
select * from uploads where id = $1;

-- name: publish_upload
-- $23 the public bucket, $24 the CRC-32 of the published bytes, $25 the watermark that they carry, $26 the CRC-32 of an original that is kept. The image's row is what keeps its object from being collected.
with published as (
    update uploads
    set state = 'published', finished_at = $2::timestamptz, updated_at = $2::timestamptz, sequence = $3,
        found_type = $4, found_size = $5, found_sha256 = $6, found_width = $7, found_height = $8, exif = $9, privacy = $10,
        placeholder = $11, perceptual_hash = $12, dominant_color = $13,
        image_key = $14, image_etag = $15, image_sha256 = $16, image_format = $17, image_width = $18, image_height = $19,
        image_size = $20, image_alpha = $21, image_watermark = nullif($25, ''), original_crc32 = $26
    where id = $1 and state = 'processing' and generation = $22 and not exists (select from sweeps where key = $14)
    returning id, region
)
insert into images (upload_id, role, region, bucket, key, etag, sha256, crc32, format, width, height, size, made_at)
select id, 'main', region, $23, $14, $15, $16, $24, $17, $18, $19, $20, $2::timestamptz from published
returning upload_id;

-- name: end_upload
-- rejected (t6, t10) or failed (t8); the facts stay absent where none were found.
update uploads
set state = $2, finished_at = $3::timestamptz, updated_at = $3::timestamptz, sequence = $4, rejection_code = $5,
    rejection_detail = $6,
    found_type = $7, found_size = $8, found_sha256 = $9, found_width = $10, found_height = $11, exif = $12, privacy = $13,
    placeholder = $14, perceptual_hash = $15, dominant_color = $16
where id = $1 and state = 'processing' and generation = $17
returning id;

-- name: delete_job
delete from jobs where id = $1 and lease_token = $2 returning id;

-- name: insert_job
-- $6 seconds from now, $7 the party
insert into jobs (subject_id, generation, app, kind, detail, party, run_at, ready_since)
select $1, $2, $3, $4, $5, $7, at, at from (select now() + make_interval(secs => $6::double precision) as at) as due
on conflict (subject_kind, subject_id, generation, kind, slot) do nothing;

-- name: insert_erasing_job
-- Overrules whatever was to become of the object, and whoever is at it.
insert into jobs (subject_id, generation, app, kind, detail, party)
values ($1, $2, $3, $4, $5, $6)
on conflict (subject_kind, subject_id, generation, kind, slot) do update
    set detail = excluded.detail, run_at = now(), ready_since = now(), lease_token = null, lease_until = null, attempt = 0,
        patient = false;

-- name: set_aside_job
-- Claimed, but not to be read by this program: as if never claimed, and not due for $3 seconds. $4 now for updated_at
with aside as (
    update jobs
    set lease_token = null, lease_until = null, given_back = $2, attempt = greatest(attempt - 1, 0),
        run_at = now() + make_interval(secs => $3::double precision)
    where id = $1 and lease_token = $2
    returning subject_id, kind
)
update uploads u set state = 'uploaded', updated_at = $4::timestamptz
from aside a
where a.kind = 'process' and u.id = a.subject_id and u.state = 'processing';

-- name: give_back_job
-- $3 the delay in milliseconds, $4 attempts and $5 crashes as they are from now on, $6 whether it ran out of time, $7 the gate that
-- it waits for (empty: none), $8 since when it waits (null: it does not)
update jobs
set lease_token = null, lease_until = null, given_back = $2, attempt = $4, crashes = $5, patient = patient or $6::boolean,
    run_at = now() + make_interval(secs => $3::double precision / 1000),
    ready_since = now() + make_interval(secs => $3::double precision / 1000),
    held_by = nullif($7, ''), waiting_since = $8::timestamptz
where id = $1 and lease_token = $2
returning id;

-- name: is_told_of_waiting
-- $1 upload, $2 since when it waits, $3 for what, as an error's code
select from timeline where subject_id = $1 and at >= $2::timestamptz and event = 'postponed' and detail::json ->> 'code' = $3 limit 1;

-- name: release_held_jobs
-- $1 the gates that are away, whose jobs wait on; $2 those that are tried, each with one job; $3 how many jobs of any other at most.
-- What is due within the next seconds needs nobody. Those of a gate that is back are spread over a second.
with recursive gates as (
    (select held_by from jobs where held_by is not null order by held_by limit 1)
    union all
    select next.held_by
    from gates g
    cross join lateral (select j.held_by from jobs j where j.held_by > g.held_by order by j.held_by limit 1) next
),
chosen as materialized (
    select j.id, g.held_by = any($2::text[]) as tried
    from gates g
    cross join lateral (select jobs.id from jobs
                        where jobs.held_by = g.held_by and jobs.lease_token is null and jobs.run_at > now() + interval '2 seconds'
                        order by jobs.run_at, jobs.id
                        limit case when g.held_by = any($2::text[]) then 1 else $3::integer end
                        for update skip locked) j
    where g.held_by <> all($1::text[])
)
update jobs j
set run_at = due.at, ready_since = due.at
from (select id, now() + case when tried then interval '0' else random() * interval '1 second' end as at from chosen) due
where j.id = due.id
returning j.id;

-- name: back_to_uploaded
update uploads set state = 'uploaded', updated_at = $2::timestamptz where id = $1 and state = 'processing' returning id;

-- name: repin_upload
update uploads
set state = 'uploaded', generation = generation + 1, pinned_etag = $2, pinned_size = $3, pinned_version = $4,
    updated_at = $5::timestamptz
where id = $1 and state = 'processing' and generation = $6
returning id;

-- name: repin_job
-- The same row as the new generation's job: nothing spent yet.
update jobs
set lease_token = null, lease_until = null, given_back = $2, generation = generation + 1, attempt = 0, crashes = 0,
    patient = false, run_at = now(), ready_since = now()
where id = $1 and lease_token = $2
returning id;

-- name: release_jobs
with ours as materialized (
    select j.id, j.subject_id, j.kind, j.lease_token
    from unnest($1::bigint[], $2::text[]) as t (id, token)
    join jobs j on j.id = t.id and j.lease_token = t.token
    order by j.id
    for update of j
),
back as (
    update uploads u set state = 'uploaded', updated_at = $3::timestamptz
    from ours o
    where o.kind = 'process' and u.id = o.subject_id and u.state = 'processing'
)
update jobs j
set lease_token = null, lease_until = null, given_back = o.lease_token, attempt = greatest(attempt - 1, 0), run_at = now()
from ours o
where j.id = o.id
returning j.id;

-- name: add_process
insert into processes (prefix, machine, pid, started) values ($1, $2, $3, $4) on conflict (prefix) do nothing;

-- name: processes_of_machine
select prefix, pid, started from processes where machine = $1 and prefix <> $2;

-- name: expire_jobs_of_processes
-- $1 prefixes of processes that are gone: their leases are over, whatever they say.
update jobs set lease_until = now() - interval '1 second'
where lease_token is not null and left(lease_token, 12) = any($1::text[]) and lease_until >= now()
returning id;

-- name: expire_callbacks_of_processes
update callbacks set lease_until = now() - interval '1 second'
where lease_token is not null and left(lease_token, 12) = any($1::text[]) and lease_until >= now();

-- name: expire_rounds_of_processes
update rounds set lease_until = now() - interval '1 second'
where lease_token is not null and left(lease_token, 12) = any($1::text[]) and lease_until >= now();

-- name: forget_gone_processes
delete from processes where prefix = any($1::text[]);

-- name: requeue_lost_leases
-- $1 attempts at most, $2 now for updated_at; what has attempts left goes back.
with lost as materialized (
    select id, subject_kind, subject_id, kind, attempt, lease_token
    from jobs
    where lease_token is not null and lease_until < now() and (kind <> 'process' or attempt < $1::integer)
    order by lease_until
    limit 500
    for update skip locked
),
back as (
    update uploads u set state = 'uploaded', updated_at = $2::timestamptz
    from lost l
    where l.kind = 'process' and u.id = l.subject_id and u.state = 'processing'
),
noted as (
    insert into timeline (subject_kind, subject_id, at, event, detail)
    select subject_kind, subject_id, $2::timestamptz, 'lease.lost', json_build_object('attempt', attempt, 'job', kind)::text from lost
)
update jobs j
set lease_token = null, lease_until = null, given_back = l.lease_token,
    run_at = now() + make_interval(secs => least(l.attempt - 1, 4))
from lost l
where j.id = l.id
returning j.id;

-- name: spent_lost_leases
select id as job_id, lease_token
from jobs
where lease_token is not null and lease_until < now() and kind = 'process' and attempt >= $1::integer
order by lease_until
limit 100;

-- name: lease_is_over
select lease_until < now() as over from jobs where id = $1 and lease_token = $2;
