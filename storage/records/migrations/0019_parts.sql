-- Multipart uploads. Rows of before are right as they are: not looked at again.
alter table uploads
    add column part_size bigint,  -- of a multipart upload
    drop constraint uploads_method,
    add constraint uploads_method check (method in ('put', 'post', 'multipart')) not valid,
    add constraint uploads_parts check (method <> 'multipart' or (part_size > 0 and declared_size > 0)) not valid;

-- What the store may hold of each, from the upload's creation until nothing can be left: stores do not list multipart uploads
-- reliably, and remove abandoned ones without a word or not at all.
create table part_uploads (
    upload_id  text collate "C" primary key references uploads (id) on delete cascade,
    store_id   text,                  -- the store's multipart upload; null: not begun, or given up
    look_at    timestamptz not null   -- whether anything of it is abandoned
);
create index part_uploads_due on part_uploads (look_at, upload_id);
