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
