-- Uploads in full: parts of files of unknown size, what a whole resumable file is to be, and the count of versions.

-- A file in parts whose client does not say its size: how it is divided is known when all of it is there. The former program, beside
-- this, signs and joins nothing of such an upload.
alter table uploads
    drop constraint uploads_parts,
    add constraint uploads_parts check (method <> 'multipart' or part_size > 0) not valid;

-- How many versions were made of an app's images, by day in UTC: versions that nobody asks for are removed again. Several rows for a
-- day, so that those who make versions at once do not wait for each other.
create table version_counts (
    app   text collate "C" not null,
    day   date not null,
    shard integer not null,
    made  bigint not null,
    primary key (app, day, shard)
);

-- Repr-Digest of a resumable upload, hex: held against all of it at its end.
alter table resumables add column whole_sha256 text;
