-- Said once to each new connection, and the schema's version.

-- name: begin_session
-- What a pooler carries from session to session for its client, and so may be said once.
select set_config('timezone', 'UTC', false),
       set_config('datestyle', 'ISO, YMD', false),
       current_setting('transaction_read_only') as read_only;

-- name: bound_session
-- $1 statement timeout, $2 lock timeout, $3 idle-in-transaction timeout, all in milliseconds; $4 for this transaction alone
select set_config('statement_timeout', $1::text, $4::boolean),
       set_config('lock_timeout', $2::text, $4::boolean),
       set_config('idle_in_transaction_session_timeout', $3::text, $4::boolean),
       set_config('extra_float_digits', '1', $4::boolean),
       set_config('client_min_messages', 'warning', $4::boolean);

-- name: migrations_exist
select to_regclass('schema_migrations') is not null as here;

-- name: create_schema_migrations
create table if not exists schema_migrations (
    version         integer primary key,
    name            text not null,
    checksum        text not null,
    applied_at      timestamptz not null default now(),
    oldest_program  integer  -- the lowest schema whose programs go on beside it; null: none of before
);

-- name: applied_migrations
-- Through JSON: tables that a release before 0.2.0 made lack the column until the next migration.
select version, name, checksum, (to_jsonb(m) ->> 'oldest_program')::integer as oldest_program
from schema_migrations m order by version;

-- name: later_migrations
-- $1 the highest version that the program knows
select version, name, checksum, (to_jsonb(m) ->> 'oldest_program')::integer as oldest_program
from schema_migrations m where version > $1::integer order by version;

-- name: oldest_program_exists
select exists (select from pg_attribute
               where attrelid = 'schema_migrations'::regclass and attname = 'oldest_program' and not attisdropped) as here;

-- name: add_oldest_program
alter table schema_migrations add column oldest_program integer;

-- name: checksum
select encode(sha256(convert_to($1::text, 'UTF8')), 'hex') as checksum;

-- name: record_migration
insert into schema_migrations (version, name, checksum) values ($1, $2, $3);

-- name: record_oldest_program
update schema_migrations set oldest_program = $2::integer where version = $1::integer;

-- name: lock_migrations
-- Ends with its transaction, so that no pooler can keep it.
select pg_advisory_xact_lock(7412063901257);

-- name: shorten_lock_timeout
select set_config('lock_timeout', '1s', true);
