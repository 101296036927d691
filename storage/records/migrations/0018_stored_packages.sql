-- Packages that are built into the store. What the store has of one is named here before it is made, and until it is removed, so
-- that whoever takes the work over finds it.
alter table packages
    add column object_region   text collate "C",
    add column object_bucket   text collate "C",
    add column object_key      text collate "C",  -- null: nothing of it is in the store
    add column multipart       text,              -- the unfinished multipart upload's id
    add column built_bytes     bigint not null default 0,
    add column building_since  timestamptz,
    add constraint packages_object check ((object_key is null) = (object_bucket is null) and (object_key is null) = (object_region is null));

create index packages_stored on packages (expires_at) where object_key is not null;
