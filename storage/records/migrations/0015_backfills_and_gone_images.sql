-- Backfills: orders to make the variants of a profile's published uploads that lack them. Each walks through the app's uploads by
-- their ids, the newest first, and keeps a bounded number of jobs `make_variants` waiting, whose slot is its id.
create table variant_backfills (
    id              text collate "C" primary key,
    app             text collate "C" not null,
    profile         text collate "C" not null,
    variant         text collate "C" not null,  -- '': all of the profile's
    recipe          text collate "C" not null,  -- what the profile's variants were when it was ordered
    created_after   timestamptz not null,
    created_before  timestamptz not null,
    state           text collate "C" not null default 'running'
                    constraint variant_backfills_state check (state in ('running', 'finished', 'cancelled', 'outdated')),
    counted_to      text collate "C",  -- ids from there on are counted; null: all are
    looked_to       text collate "C",  -- ids from there on are looked at; null: all are
    total           bigint not null default 0,
    looked_at       bigint not null default 0,
    found           bigint not null default 0,
    made            bigint not null default 0,
    failed          bigint not null default 0,
    started_at      timestamptz not null,
    fed_at          timestamptz not null default now(),  -- when a gateway of the same recipe last saw to it
    finished_at     timestamptz
) with (fillfactor = 50);

create unique index variant_backfills_running on variant_backfills (app, profile, variant, recipe, created_after, created_before)
    where state = 'running';
create index variant_backfills_ended on variant_backfills (finished_at) where state <> 'running';
create index jobs_of_backfills on jobs (slot) where kind = 'make_variants' and slot <> '';

-- Of deleted images whose upload is forgotten: their public ids are answered 410 for good.
create table gone_images (
    public_id  text collate "C" primary key,
    app        text collate "C" not null,
    profile    text collate "C" not null
);
