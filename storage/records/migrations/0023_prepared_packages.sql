-- Packages whose items are versions that have to be made first. What was asked for is fixed with the package's row; once all versions
-- are there, the archive is laid out, and these rows go.
alter table packages
    drop constraint packages_state,
    add constraint packages_state check (state in ('preparing', 'queued', 'building', 'ready', 'failed', 'deleted')),
    add column prepared bigint not null default 0;

create index packages_preparing on packages (app) where state = 'preparing';

create table package_asked (
    package_id  text collate "C" not null,
    place       integer not null,  -- among all that were asked for, from 0
    upload      text collate "C" not null,  -- as it was sent: it may be no id at all
    name        text,  -- null: the planner's choice
    code        text collate "C" not null default '',  -- why it is not in the archive; '': it is
    prepared    boolean not null,  -- nothing has to be made for it any more
    attempts    integer not null default 0,
    primary key (package_id, place)
);
create index package_asked_upload on package_asked (upload);
create index package_asked_unprepared on package_asked (package_id, place) where not prepared;

-- How the archive is laid out: in the planner's words.
create table package_recipes (
    package_id  text collate "C" primary key,
    content     text collate "C" not null,
    detail      text not null,
    watermark   text collate "C" not null,
    path        text,
    manifest    text collate "C"
);
