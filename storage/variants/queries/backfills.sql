-- Backfills of variants. Their row is locked before the jobs that they insert, and after the job that ends.

-- name: lock_backfills_of_app
-- So that two requests do not count the same running ones.
select pg_advisory_xact_lock(hashtext('variant_backfills'), hashtext($1));

-- name: same_backfill
-- $1 app, $2 profile, $3 variant, $4 recipe, $5 after, $6 before
select id from variant_backfills
where app = $1 and profile = $2 and variant = $3 and recipe = $4 and created_after = coalesce($5::timestamptz, '-infinity')
  and created_before = coalesce($6::timestamptz, 'infinity') and state = 'running';

-- name: running_backfills_of_app
select count(*) from variant_backfills where app = $1 and state = 'running';

-- name: begin_backfill
-- As same_backfill, then $7 the id, $8 the id that all of its uploads' ids are less than, $9 now
insert into variant_backfills (app, profile, variant, recipe, created_after, created_before, id, counted_to, looked_to, started_at)
values ($1, $2, $3, $4, coalesce($5::timestamptz, '-infinity'), coalesce($6::timestamptz, 'infinity'), $7, $8, $8, $9::timestamptz);

-- name: find_backfill
-- $2 the app
select b.*, (select count(*) from jobs j where j.kind = 'make_variants' and j.slot = b.id and j.slot <> '') as waiting
from variant_backfills b where b.id = $1 and b.app = $2;

-- name: running_backfills
select b.*, 0::bigint as waiting from variant_backfills b where b.state = 'running' order by b.started_at, b.id limit $1::integer;

-- name: lock_backfill
-- Nothing where another gateway is at it.
select b.*, (select count(*) from jobs j where j.kind = 'make_variants' and j.slot = b.id and j.slot <> '') as waiting,
       b.fed_at < now() - interval '10 minutes' as is_left, b.fed_at < now() - interval '30 seconds' as is_due
from variant_backfills b where b.id = $1 and b.state = 'running' for no key update of b skip locked;

-- name: count_backfill
-- $1 app, $2 ids less than, $3 ids at least, $4 rows at most, $5 profile, $6 and $7 created between
with step as materialized (
    select id, profile, state, created_at from uploads where app = $1 and id < $2 and id >= $3 order by app desc, id desc limit $4::integer
)
select min(id) as last, count(*) as rows,
       count(*) filter (where profile = $5 and state = 'published' and created_at > coalesce($6::timestamptz, '-infinity')
                          and created_at < coalesce($7::timestamptz, 'infinity')) as uploads
from step;

-- name: uploads_of_backfill
-- $1 app, $2 ids less than, $3 ids at least, $4 profile, $5 and $6 created between
select * from uploads
where app = $1 and id < $2 and id >= $3 and profile = $4 and state = 'published'
  and created_at > coalesce($5::timestamptz, '-infinity') and created_at < coalesce($6::timestamptz, 'infinity')
order by id desc;

-- name: insert_backfill_jobs
-- $1 uploads and $2 their generations, in pairs, $3 app, $4 the backfill, $5 the payload. They are patient, and a party of their own:
-- no other upload waits for them.
insert into jobs (subject_id, generation, app, kind, detail, party, slot, payload, patient)
select w.id, w.generation, $3, 'make_variants', '', $4, $4, $5, true
from unnest($1::text[], $2::integer[]) as w (id, generation)
on conflict (subject_kind, subject_id, generation, kind, slot) do nothing;

-- name: feed_backfill
-- $2 counted to, $3 looked to, $4 to $6 what is added to the total, the looked at and the found
update variant_backfills
set counted_to = $2, looked_to = $3, total = total + $4::bigint, looked_at = looked_at + $5::bigint, found = found + $6::bigint,
    fed_at = now()
where id = $1;

-- name: end_backfill
-- $2 the state, $3 now
update variant_backfills set state = $2, finished_at = $3::timestamptz where id = $1 and state = 'running' returning id;

-- name: lock_running_backfill
select id from variant_backfills where id = $1 and app = $2 and state = 'running' for no key update;

-- name: delete_waiting_jobs_of_backfill
-- What is under way ends by itself.
delete from jobs where kind = 'make_variants' and slot = $1 and slot <> '' and lease_token is null;
