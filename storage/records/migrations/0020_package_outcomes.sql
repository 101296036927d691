-- How a stored package comes along, and that its app is told of its end once.
alter table packages
    add column step          text collate "C" not null default 'waiting'
                             constraint packages_step check (step in ('waiting', 'copying', 'completing')),
    add column built_items   bigint not null default 0,
    add column built_rate    bigint not null default 0,       -- bytes a second
    add column outcome_told  boolean not null default false;  -- `package.ready` or `package.failed` is in the outbox

-- Whoever waits for those has looked at them.
update packages set outcome_told = true where mode = 'store' and state not in ('queued', 'building');

-- Entries that could not be read while a package was built. They outlive its items, and go with its row.
create table package_failures (
    package_id  text collate "C" not null references packages (id) on delete cascade,
    position    integer not null,
    upload_id   text collate "C",
    name        text not null,  -- '': of a deleted upload
    code        text collate "C" not null,
    primary key (package_id, position)
);
create index package_failures_upload on package_failures (upload_id) where upload_id is not null;

-- Parts of a package that are in the store: the sums of what they have of entries that they cut, so that those are checked too before
-- the parts are joined. A part that is not here is sent again.
create table package_parts (
    package_id   text collate "C" not null references packages (id) on delete cascade,
    multipart    text not null,
    number       integer not null,
    fragments    bigint[] not null,  -- of each: entry, bytes, CRC-32, whether it ends there (1), CRC-32 of the whole entry
    primary key (package_id, number)
);
