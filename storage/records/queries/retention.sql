-- What need not be kept, in bounded bites. $1: older than.

-- name: forget_idempotency_keys
delete from idempotency_keys where ctid = any (array(
    select ctid from idempotency_keys where created_at < $1::timestamptz limit 2000));

-- name: forget_events
delete from inbox where ctid = any (array(select ctid from inbox where received_at < $1::timestamptz limit 2000));

-- name: forget_attempts
delete from callback_attempts where ctid = any (array(
    select ctid from callback_attempts where at < $1::timestamptz limit 2000));

-- name: forget_tokens
delete from client_tokens where id = any (array(
    select id from client_tokens where expires_at < $1::timestamptz limit 2000));

-- name: forget_quarantine
delete from event_quarantine where id = any (array(
    select id from event_quarantine where received_at < $1::timestamptz order by id limit 500));

-- name: ended_before
-- $1 the state, $2 finished before, $3 an id that all made since then are greater than, $4 at most
select id from uploads where unusual_end = $1 and id < $3 and finished_at < $2::timestamptz order by id limit $4::integer;

-- name: lock_old_uploads
-- $1 finished before, $2 an id that all made since then are greater than. With the lock nobody queues a job for one.
select u.id from uploads u
where u.unusual_end in ('expired', 'cancelled', 'deleted') and u.id < $2 and u.finished_at < $1::timestamptz
  and u.expires_at < $1::timestamptz
  and not exists (select from jobs j where j.subject_kind = 'upload' and j.subject_id = u.id)
  and not exists (select from images i where i.upload_id = u.id)
  and not exists (select from part_uploads p where p.upload_id = u.id)
limit 500
for update of u skip locked;

-- name: forget_uploads
delete from uploads u
where u.id = any($1::text[])
  and not exists (select from jobs j where j.subject_kind = 'upload' and j.subject_id = u.id)
  and not exists (select from images i where i.upload_id = u.id)
  and not exists (select from part_uploads p where p.upload_id = u.id)
returning u.id;

-- name: forget_timelines
delete from timeline where subject_kind = 'upload' and subject_id = any($1::text[]);

-- name: forget_processes
delete from processes where seen_at < now() - interval '1 day';

-- name: process_seen
update processes set seen_at = now() where prefix = $1;

-- name: forget_callbacks
-- $1 a final state, $2 finished before
with old as materialized (
    select id from callbacks where state = $1 and finished_at < $2::timestamptz order by finished_at limit 2000
),
gone as (
    delete from callbacks c using old where c.id = old.id and c.state = $1 and c.finished_at < $2::timestamptz returning c.placed
)
update feed set forgotten = greatest(forgotten, (select max(placed) from gone)) where exists (select from gone);

-- name: forget_package_items
-- $1 now: of packages whose time is over.
delete from package_items where ctid = any (array(
    select i.ctid from package_items i
    where i.package_id in (select id from packages where items_left and expires_at < $1::timestamptz order by expires_at limit 50)
    limit 20000));

-- name: forget_package_missing
delete from package_missing where ctid = any (array(
    select m.ctid from package_missing m
    where m.package_id in (select id from packages where items_left and expires_at < $1::timestamptz order by expires_at limit 50)
    limit 20000));

-- name: forget_package_texts
delete from package_texts where ctid = any (array(
    select t.ctid from package_texts t
    where t.package_id in (select id from packages where items_left and expires_at < $1::timestamptz order by expires_at limit 50)
    limit 2000));

-- name: forget_package_asked
delete from package_asked where ctid = any (array(
    select a.ctid from package_asked a
    where a.package_id in (select id from packages where items_left and expires_at < $1::timestamptz order by expires_at limit 50)
    limit 20000));

-- name: forget_package_recipes
delete from package_recipes where package_id in (
    select id from packages where items_left and expires_at < $1::timestamptz order by expires_at limit 50);

-- name: close_packages
update packages p set items_left = false
where p.items_left and p.expires_at < $1::timestamptz and not exists (select from package_items i where i.package_id = p.id)
  and not exists (select from package_missing m where m.package_id = p.id)
  and not exists (select from package_texts t where t.package_id = p.id)
  and not exists (select from package_asked a where a.package_id = p.id)
  and not exists (select from package_recipes r where r.package_id = p.id);

-- name: forget_packages
-- $1: over before
delete from packages where id = any (array(
    select id from packages where not items_left and object_key is null and expires_at < $1::timestamptz order by expires_at limit 2000));

-- name: queue_package_removals
-- $1 now: those whose object nobody may have any more.
insert into jobs (subject_kind, subject_id, generation, app, kind, party)
select 'package', p.id, 0, p.app, 'build_package', 'packages'
from packages p
where p.object_key is not null and p.expires_at < $1::timestamptz
order by p.expires_at
limit 500
on conflict (subject_kind, subject_id, generation, kind, slot) do nothing;

-- name: forget_backfills
delete from variant_backfills where ctid = any (array(
    select ctid from variant_backfills where state <> 'running' and finished_at < $1::timestamptz limit 2000));

-- name: keep_gone_images
-- Before their uploads are forgotten.
insert into gone_images (public_id, app, profile)
select public_id, app, profile from uploads where id = any($1::text[]) and image_key is not null
on conflict (public_id) do nothing;
