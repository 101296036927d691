-- What is done by turns, by whichever gateway comes first: the looks at the store and the sweeps through its buckets. And the
-- public objects that a sweep is removing, so that none is published under the broom.

create table rounds (
    name          text collate "C" primary key,
    due_at        timestamptz not null default now(),
    lease_token   text collate "C",
    lease_until   timestamptz,
    cursor        text collate "C" not null default '',
    -- of the round under way, and of the last one that came to its end
    seen          bigint not null default 0,
    removed       bigint not null default 0,
    unknown       bigint not null default 0,
    last_seen     bigint not null default 0,
    last_removed  bigint not null default 0,
    last_unknown  bigint not null default 0,
    finished_at   timestamptz,
    constraint rounds_lease check ((lease_token is null) = (lease_until is null))
) with (fillfactor = 50);

create table sweeps (
    key         text collate "C" not null,
    bucket      text collate "C" not null,
    opened_at   timestamptz not null default now(),
    removed_at  timestamptz,
    primary key (key, bucket)
);
