-- What a sweep asks of a page of objects, and how it removes one that nothing refers to.

-- name: uploads_at
-- The limits keep the planner from reading all jobs for a page of uploads.
select u.key, u.id, u.state,
       (select count(*) from (select from jobs j where j.subject_kind = 'upload' and j.subject_id = u.id limit 1) as one) > 0 as has_jobs
from uploads u
where u.key = any($1::text[]) and u.bucket = $2;

-- name: queue_left_behind
-- An object that came once more after its upload had ended, and was settled, is removed as the first one was: by a job.
with ended as (
    select u.id, u.app, u.generation, u.client_token
    from uploads u
    where u.id = any($1::text[]) and u.state in ('published', 'rejected')
      and (select count(*) from (select from jobs j where j.subject_kind = 'upload' and j.subject_id = u.id limit 1) as one) = 0
    order by u.id
    for no key update of u
)
insert into jobs (subject_id, generation, app, kind, detail, party)
select id, generation, app, 'settle_original', 'remove', coalesce(client_token, '') from ended
on conflict (subject_kind, subject_id, generation, kind, slot) do nothing
returning subject_id;

-- name: images_referred_to
-- $1 the public bucket, $2 keys. Every table whose rows refer to objects is asked here. An image that is being removed is still
-- referred to: its job removes it. No key is made twice, so a row that names another bucket refers to the object too: after a
-- restore under other names of the buckets it is the image that gateways serve. Rows of this bucket come first.
select key, etag, sha256 from images where key = any($2::text[]) order by bucket = $1 desc;

-- name: began_at
select min(applied_at) as began_at from schema_migrations;

-- name: open_sweeps
insert into sweeps (key, bucket) select key, $2 from unnest($1::text[]) as t (key)
order by key
on conflict (key, bucket) do update set opened_at = now(), removed_at = null;

-- name: transactions_begun
-- Every transaction that may have looked for a sweep before this one was committed has a lower number than this.
select pg_snapshot_xmax(pg_current_snapshot())::text as horizon;

-- name: transactions_ended
select pg_snapshot_xmin(pg_current_snapshot()) >= $1::text::xid8 as ended;

-- name: close_sweeps
update sweeps set removed_at = now() where bucket = $2 and key = any($1::text[]);

-- name: spare_sweeps
delete from sweeps where bucket = $2 and key = any($1::text[]);

-- name: is_swept
select from sweeps where key = $1;

-- name: forget_sweep
-- Removed, or begun by somebody who can no longer be at it: who puts the object now puts it anew.
delete from sweeps where key = $1 and (removed_at is not null or opened_at < now() - interval '5 minutes');

-- name: forget_sweeps
delete from sweeps where ctid = any (array(
    select ctid from sweeps where removed_at < now() - interval '1 day' limit 2000));
