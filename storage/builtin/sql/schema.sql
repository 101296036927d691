-- name: schema
-- The index of the built-in store. Keys are blobs: SQLite compares them with memcmp, which is S3's order.
-- A body's number names its file; see storage/builtin/README.md.
create table if not exists facts (
    name  text primary key,
    value integer not null
) without rowid;
create table if not exists buckets (
    id      integer primary key,
    name    text not null unique,
    created integer not null,
    rules   blob
);
-- Format 2: what the S3 interface keeps for a bucket, such as its CORS rules.
create table if not exists bucket_documents (
    bucket   integer not null,
    name     text not null,
    document blob not null,
    primary key (bucket, name)
) without rowid;
create table if not exists objects (
    bucket     integer not null,
    key        blob not null,
    etag       text not null,
    size       integer not null,
    modified   integer not null,
    sequence   integer not null,
    content    integer not null, -- the body's number; of a multipart object, what its segments stand under
    part_count integer not null, -- 0: one body
    checksum   blob,
    headers    blob not null,
    primary key (bucket, key)
) without rowid;
create table if not exists segments (
    content integer not null,
    number  integer not null,
    body    integer not null,
    size    integer not null,
    md5     text not null,
    primary key (content, number)
) without rowid;
create table if not exists uploads (
    id       integer primary key,
    bucket   integer not null,
    key      blob not null,
    name     text not null,
    started  integer not null,
    checksum blob,
    headers  blob not null,
    unique (bucket, key, name)
);
create table if not exists parts (
    upload   integer not null,
    number   integer not null,
    body     integer not null,
    size     integer not null,
    md5      text not null,
    modified integer not null,
    checksum blob,
    primary key (upload, number)
) without rowid;
-- What a completed upload became, for a client that repeats the completion because its answer was lost.
create table if not exists completions (
    bucket    integer not null,
    key       blob not null,
    name      text not null,
    etag      text not null,
    size      integer not null,
    checksum  blob,
    completed integer not null,
    primary key (bucket, key, name)
) without rowid;
create index if not exists completions_by_time on completions (completed);
-- Bodies that nothing refers to any more, and whose files are still to be removed.
create table if not exists garbage (
    body    integer primary key,
    content integer not null
);
