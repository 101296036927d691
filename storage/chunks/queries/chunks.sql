-- Resumable uploads: taken, appended to, assembled, forgotten.

-- name: take_resumable
-- $1 the upload, $2 length, $3 metadata, $4 when to look, $5 whether to begin anew, $6 takes in a minute, $7 SHA-256 of the whole,
-- $8 the gateway that receives it; $9 takes in a minute of one that has more than $10 chunks, and one for each $11 bytes.
-- No row: there were as many.
insert into resumables as r (upload_id, length, metadata, look_at, whole_sha256, holder)
values ($1, $2::bigint, coalesce($3, ''), $4::timestamptz, $7, $8)
on conflict (upload_id) do update set
    epoch = r.epoch + 1,
    beginning = r.beginning + case when r.state = 'over' or (r.state = 'open' and $5::boolean and r.received > 0) then 1 else 0 end,
    received = case when r.state = 'over' or (r.state = 'open' and $5::boolean) then 0 else r.received end,
    length = case when r.state = 'over' or (r.state = 'open' and $5::boolean) then excluded.length
                  else coalesce(r.length, case when excluded.length >= r.received then excluded.length end) end,
    state = case when r.state = 'over' then 'open' else r.state end,
    metadata = coalesce($3, r.metadata),
    holder = excluded.holder,
    whole_sha256 = case when r.state = 'over' or (r.state = 'open' and $5::boolean) then excluded.whole_sha256
                        when r.state = 'open' then coalesce(r.whole_sha256, excluded.whole_sha256) else r.whole_sha256 end,
    look_at = case when r.state = 'received' then r.look_at else greatest(excluded.look_at, now()) end,
    takes = case when r.taken_at < now() - interval '1 minute' then 1 else r.takes + 1 end,
    taken_at = case when r.taken_at < now() - interval '1 minute' then now() else r.taken_at end
where r.taken_at < now() - interval '1 minute' or r.takes < $9::integer
   or (r.takes < $6::integer
       and (select count(*) from chunks c where c.upload_id = r.upload_id and c.beginning = r.beginning) <= $10::bigint + r.received / $11::bigint)
returning beginning, epoch, received, length, state, metadata, whole_sha256;

-- name: holder_of_resumable
select holder from resumables where upload_id = $1 and state = 'open';

-- name: forget_older_chunks
delete from chunks where upload_id = $1 and beginning < $2::integer;

-- name: append_chunks
-- $1 the upload, $2 beginning, $3 epoch, $4 offset, $5 bytes, $6 the length if this is the end, $7 firsts, $8 sizes, $9 etags, $10 sha256s.
-- The upload's row is locked against its end, which would leave nobody to remove the chunks.
with waiting as (
    select id from uploads where id = $1 and state = 'created' for share
), moved as (
    update resumables r
    set received = r.received + $5::bigint,
        length = coalesce($6::bigint, r.length),
        state = case when $6::bigint is null then r.state else 'received' end,
        look_at = case when $6::bigint is null then r.look_at else now() + interval '1 minute' end
    from waiting
    where r.upload_id = waiting.id and r.beginning = $2::integer and r.epoch = $3::bigint and r.received = $4::bigint and r.state = 'open'
    returning r.upload_id
), added as (
    insert into chunks (upload_id, beginning, first, size, epoch, etag, sha256)
    select moved.upload_id, $2::integer, c.first, c.size, $3::bigint, c.etag, c.sha256
    from moved, unnest($7::bigint[], $8::bigint[], $9::text[], $10::text[]) as c (first, size, etag, sha256)
)
select upload_id from moved;

-- name: was_appended
-- After a COMMIT whose answer was lost: $4 the offset behind it.
select from resumables
where upload_id = $1 and beginning = $2::integer and epoch = $3::bigint and received = $4::bigint and (state = 'received') = $5::boolean;

-- name: received_resumable
select beginning, length, whole_sha256 from resumables where upload_id = $1 and state = 'received';

-- name: declare_sha256
-- $2 base64. Only of one that waits for its object.
update uploads set declared_sha256 = $2 where id = $1 and declared_sha256 is null and state in ('created', 'expired') returning id;

-- name: chunks_of
select first, size, epoch, etag, sha256 from chunks where upload_id = $1 and beginning = $2::integer order by first;

-- name: reserve_assembly
-- $2 seconds, $3 whether it need not be due. Not of an upload that has its object: once that has been moved away, another would be
-- put in its place.
update resumables r set look_at = now() + make_interval(secs => $2::double precision)
from uploads u
where r.upload_id = $1 and u.id = r.upload_id and u.state in ('created', 'expired')
  and r.state = 'received' and ($3::boolean or r.look_at <= now())
returning r.upload_id;

-- name: end_resumable
-- Not of one that is being sent, or is whole and waits for its object: it has come back since somebody decided to end it. The upload's
-- row is locked against that.
with upload as (
    select id, state from uploads where id = $1 for share
)
update resumables r set state = 'over', epoch = r.epoch + 1, look_at = now() + make_interval(secs => $2::double precision)
from upload u
where r.upload_id = u.id
  and (r.state = 'over' or u.state not in ('created', 'expired') or (u.state = 'expired' and r.state = 'open'))
returning r.beginning, r.length;

-- name: forget_chunks
delete from chunks where upload_id = $1 and beginning <= $2::integer;

-- name: due_resumables
-- Those whose time has come, and those whose upload has its object or has ended by another way.
(select upload_id, state from resumables where look_at <= now() order by look_at, upload_id limit $1::integer)
union all
(select r.upload_id, r.state
 from resumables r join uploads u on u.id = r.upload_id
 where r.state = 'open' and r.look_at > now() and u.state not in ('created', 'expired')
 order by r.upload_id limit $1::integer);

-- name: look_at_resumable_again
update resumables set look_at = now() + make_interval(secs => $2::double precision) where upload_id = $1;

-- name: forget_resumable
delete from resumables where upload_id = $1 and state = 'over' and look_at <= now();
