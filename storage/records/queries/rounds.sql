-- Rounds: at most one gateway is at each, the others pass on. All times are the database's.

-- name: begin_round
-- $1 name, $2 token, $3 lease in seconds, $4 whether it begins although it is not due
insert into rounds as r (name, lease_token, lease_until)
values ($1, $2, now() + make_interval(secs => $3::double precision))
on conflict (name) do update set lease_token = excluded.lease_token, lease_until = excluded.lease_until
    where (r.due_at <= now() or $4::boolean) and (r.lease_until is null or r.lease_until < now())
returning cursor, seen, removed, unknown;

-- name: round_held
-- After a COMMIT whose answer was lost.
select cursor, seen, removed, unknown from rounds where name = $1 and lease_token = $2;

-- name: keep_round
update rounds
set lease_until = now() + make_interval(secs => $3::double precision), cursor = $4, seen = $5, removed = $6, unknown = $7
where name = $1 and lease_token = $2
returning name;

-- name: pause_round
-- Not at its end: the next begins at the cursor.
update rounds
set lease_token = null, lease_until = null, due_at = now() + make_interval(secs => $3::double precision / 1000), cursor = $4,
    seen = $5, removed = $6, unknown = $7
where name = $1 and lease_token = $2
returning name;

-- name: end_round
update rounds
set lease_token = null, lease_until = null, due_at = now() + make_interval(secs => $3::double precision / 1000), cursor = '',
    seen = 0, removed = 0, unknown = 0, last_seen = $4, last_removed = $5, last_unknown = $6, finished_at = now()
where name = $1 and lease_token = $2
returning name;

-- name: uploads_past_grant
-- $1 awaits_until and $2 id of the last one seen, $3 the latest grant's end, $4 limit. In the order of awaits_until, so that a
-- round goes on where it was, and one that can't be decided holds up nobody.
select * from uploads
where awaits_until is not null and awaits_until >= $1::timestamptz and awaits_until < $3::timestamptz
  and (awaits_until > $1::timestamptz or id > $2)
order by awaits_until, id
limit $4::integer;

-- name: open_minutes_of_few
-- $1 the oldest grant's end, $2 how many uploads are few. With more than that there is no answer but the count.
with awaited as materialized (
    select key from uploads
    where awaits_until is not null and awaits_until >= $1::timestamptz
    order by awaits_until
    limit $2::integer + 1
)
select distinct substring(key from '^.*/') as prefix
from awaited
where (select count(*) from awaited) <= $2::integer and key like '%/%'
union all
select null where (select count(*) from awaited) > $2::integer
order by prefix;

-- name: minutes_since
-- $1 the first minute's prefix, $2 what sorts after every incoming key, $3 the pattern of a minute's prefix. Skips through the
-- index from one minute to the next: '0' is the character after '/'.
with recursive minutes as (
    (select substring(key from $3::text) as prefix from uploads
     where key >= $1 and key < $2 order by key limit 1)
    union all
    select next.prefix
    from minutes m
    cross join lateral (select substring(u.key from $3::text) as prefix from uploads u
                        where u.key >= left(m.prefix, -1) || '0' and u.key < $2 order by u.key limit 1) next
    where m.prefix is not null
)
select prefix from minutes where prefix is not null;

-- name: parts_due
-- $1 now, $2 limit
select m.store_id, u.* from part_uploads m join uploads u on u.id = m.upload_id
where m.look_at <= $1::timestamptz
order by m.look_at, m.upload_id
limit $2::integer;

-- name: look_at_parts_again
update part_uploads set look_at = $2::timestamptz where upload_id = $1;

-- name: give_up_parts
-- $1 the upload, $2 the store's multipart upload, $3 before when its grant has ended, $4 when to look whether all is gone. The
-- lock keeps a fresh grant from being signed meanwhile; one that came first keeps the parts.
with abandoned as (
    select id from uploads
    where id = $1 and (state not in ('created', 'expired') or expires_at < $3::timestamptz)
    for no key update
)
update part_uploads m set store_id = null, look_at = $4::timestamptz
from abandoned a
where m.upload_id = a.id and m.store_id is not distinct from $2
returning m.upload_id;

-- name: forget_parts
-- Nothing is left of it at the store.
delete from part_uploads where upload_id = $1 and store_id is null;
