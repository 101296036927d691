-- Said once to each new connection, and the schema's version.

-- name: begin_session
-- $1 statement timeout, $2 lock timeout, $3 idle-in-transaction timeout, all in milliseconds
select set_config('statement_timeout', $1::text, false),
       set_config('lock_timeout', $2::text, false),
       set_config('idle_in_transaction_session_timeout', $3::text, false),
       set_config('timezone', 'UTC', false),
       set_config('datestyle', 'ISO, YMD', false),
       set_config('extra_float_digits', '1', false),
       set_config('client_min_messages', 'warning', false),
       current_setting('transaction_read_only') as read_only;

-- name: ping
select 1;

-- name: notify
select pg_notify($1, $2);

-- name: migrations_exist
select to_regclass('schema_migrations') is not null as here;

-- name: create_schema_migrations
create table if not exists schema_migrations (
    version     integer primary key,
    name        text not null,
    checksum    text not null,
    applied_at  timestamptz not null default now()
);

-- name: applied_migrations
select version, name, checksum from schema_migrations order by version;

-- name: checksum
select encode(sha256(convert_to($1::text, 'UTF8')), 'hex') as checksum;

-- name: record_migration
insert into schema_migrations (version, name, checksum) values ($1, $2, $3);

-- name: lock_migrations
select pg_advisory_lock(7412063901257);

-- name: shorten_lock_timeout
select set_config('lock_timeout', '1s', false);
