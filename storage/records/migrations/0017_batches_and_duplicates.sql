-- Batches under one idempotency key, and published pictures found by the bytes that they were made of.

-- Of a batch: for each item of the request the id of its upload, or nothing where it was refused.
alter table idempotency_keys add column batch text[];

-- `unusual_end` in place of `state`, so that a change of state alone stays a heap-only update. The app comes first: whoever
-- uploads one picture many times makes the search longer for themselves alone.
create index uploads_published_bytes on uploads (app, profile, found_sha256, id)
    where image_key is not null and unusual_end is null;
