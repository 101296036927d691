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

-- name: forget_callbacks
-- $1 a final state, $2 finished before
with old as materialized (
    select id from callbacks where state = $1 and finished_at < $2::timestamptz order by finished_at limit 2000
),
gone as (
    delete from callbacks c using old where c.id = old.id and c.state = $1 returning c.placed
)
update feed set forgotten = greatest(forgotten, (select max(placed) from gone)) where exists (select from gone);
