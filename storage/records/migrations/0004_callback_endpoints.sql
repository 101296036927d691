-- Callback URLs that fail, callbacks that nobody is sent, a feed of all of them in order, and what lets old ones go.

-- What is known of a URL that did not take a callback. No row: nothing is wrong with it.
create table callback_endpoints (
    url            text collate "C" primary key,
    failures       integer not null,  -- in a row; 0 while it comes back
    failing_since  timestamptz not null,
    last_at        timestamptz not null,
    last_status    integer,
    last_error     text not null,
    open_until     timestamptz,       -- nothing is sent before; then one at a time
    share          integer,           -- how many may be under way; null: as many as anybody's
    share_since    timestamptz
) with (fillfactor = 70);

-- `unsent`: there was no URL to send it to; it is there to be pulled.
alter table callbacks drop constraint callbacks_state;
alter table callbacks add constraint callbacks_state check (state in ('waiting', 'delivered', 'dead', 'unsent'));

-- The feed's order is the order of transactions, which ids made before a commit are not. A reader who takes only what is placed
-- below the oldest transaction under way misses nothing. `base` keeps places growing where a dump or an older state is restored,
-- which `cluster` shows: transaction ids may be smaller there.
create table feed (
    single     boolean primary key default true constraint feed_once check (single),
    base       bigint not null default 0,
    cluster    text,
    forgotten  bigint not null default -1  -- the last place that retention removed a callback from
);
insert into feed default values;

create function feed_place() returns bigint
    language sql volatile as
$$
    select base + pg_current_xact_id()::text::bigint from feed
$$;

alter table callbacks add column placed bigint not null default 0;
alter table callbacks alter column placed set default feed_place();

create index callbacks_feed on callbacks (app, placed, id);
create index callbacks_finished on callbacks (state, finished_at) where finished_at is not null;
