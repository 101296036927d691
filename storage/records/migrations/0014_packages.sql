-- Packages: many pictures as one zip. What an archive is made of is fixed with the package's row and never changes, so any gateway
-- can send any part of it, and nothing but these rows has to be kept.
create table packages (
    id                text collate "C" primary key,
    app               text collate "C" not null,
    name              text not null,
    mode              text collate "C" not null constraint packages_mode check (mode in ('stream', 'store')),
    state             text collate "C" not null
                      constraint packages_state check (state in ('queued', 'building', 'ready', 'failed', 'deleted')),
    on_missing        text collate "C" not null constraint packages_on_missing check (on_missing in ('fail', 'skip', 'list')),
    metadata          jsonb not null,
    request_id        text not null,
    idempotency_key   text collate "C",
    request_sha256    text collate "C",
    created_at        timestamptz not null,
    expires_at        timestamptz not null,

    items             bigint not null default 0,
    missing           bigint not null default 0,
    size              bigint not null default 0,
    directory_offset  bigint not null default 0,
    directory_size    bigint not null default 0,
    etag              text not null default '',
    failure           text collate "C" not null default '',
    finished_at       timestamptz,
    items_left        boolean not null default true,  -- whether rows of its items are still there
    constraint packages_key check ((idempotency_key is null) = (request_sha256 is null))
) with (fillfactor = 80);

create index packages_app on packages (app, id);
create unique index packages_idempotency on packages (app, idempotency_key) where idempotency_key is not null;
create index packages_over on packages (expires_at) where items_left;
create index packages_forgettable on packages (expires_at) where not items_left;

-- Entries of an archive, in its order. An object that is referred to here is not kept for that: who deletes an upload has its
-- packages ended in the same transaction.
create table package_items (
    package_id        text collate "C" not null,
    position          integer not null,  -- from 0, without gaps
    upload_id         text collate "C",
    name              text not null,  -- '': of a deleted upload
    archive_offset    bigint not null,
    directory_offset  bigint not null,
    size              bigint not null,
    crc32             bigint not null,
    modified          timestamptz not null,
    region            text collate "C" not null,
    bucket            text collate "C" not null,  -- '': not known, of images from before it was recorded
    key               text collate "C" not null,
    etag              text not null,
    primary key (package_id, position)
);
create unique index package_items_offset on package_items (package_id, archive_offset);
create index package_items_upload on package_items (upload_id) where upload_id is not null;

-- What was asked for and is not in the archive.
create table package_missing (
    package_id  text collate "C" not null,
    place       integer not null,  -- among all that were asked for, from 0
    upload_id   text collate "C",  -- null: the app has no such upload
    name        text not null,
    code        text collate "C" not null,
    primary key (package_id, place)
);
create index package_missing_upload on package_missing (upload_id) where upload_id is not null;

-- What is in an archive and in no store: its manifest, in pieces.
create table package_texts (
    package_id  text collate "C" not null,
    from_byte   bigint not null,
    text        text not null,
    primary key (package_id, from_byte)
);

-- Of an original that is kept; null: not known, or not kept.
alter table uploads add column original_crc32 bigint;
