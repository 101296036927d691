-- Images are rows of their own, and jobs, callbacks and the timeline are about any subject, not about uploads alone.
--
-- Columns are renamed and constants added, so no row of the large tables is rewritten. Gateways of the older schema fail from
-- here on and have to be restarted; this lock lets what they have under way end first, so nothing is published beside the copy.
lock table jobs in access exclusive mode;

-- `subject_id` is unique over all kinds: ids carry the prefix of their kind.
alter table jobs drop constraint jobs_upload_id_fkey;
alter table jobs drop constraint jobs_kind;
alter table jobs drop constraint jobs_once;
alter table jobs rename column upload_id to subject_id;
alter table jobs
    add column subject_kind text collate "C" not null default 'upload',
    add column slot text collate "C" not null default '',  -- which of several jobs of one kind, such as a version's spec
    add column payload text not null default '',           -- what only this kind's handler reads
    add constraint jobs_once unique (subject_kind, subject_id, generation, kind, slot);

alter table callbacks rename column upload_id to subject_id;
alter table callbacks add column subject_kind text collate "C" not null default 'upload';

alter table timeline rename column upload_id to subject_id;
alter table timeline add column subject_kind text collate "C" not null default 'upload';
alter index timeline_upload rename to timeline_subject;

-- Every object that holds an image, and what refers to it: an object in a public bucket that no row names is collected. The
-- uploads' own `image_*` columns stay as the copy that readers of an upload need without a join.
create table images (
    id         bigint generated always as identity primary key,
    upload_id  text collate "C" references uploads (id),
    role       text collate "C" not null constraint images_role check (role in ('main', 'version')),
    spec_key   text collate "C" not null default '',  -- of a version: what was asked for
    region     text collate "C" not null,
    bucket     text collate "C" not null,  -- '': not known, of images from before this table
    key        text collate "C" not null,
    etag       text not null,
    sha256     text not null,
    crc32      bigint constraint images_crc32 check (crc32 between 0 and 4294967295),  -- null: not known
    format     text not null,
    width      bigint not null,
    height     bigint not null,
    size       bigint not null,
    state      text collate "C" not null default 'live' constraint images_state check (state in ('live', 'removing')),
    made_at    timestamptz not null,
    used_at    timestamptz,  -- when a version was last asked for, roughly
    constraint images_object unique (key, bucket)
) with (fillfactor = 90);

-- An image that is being removed stays until its object is gone.
insert into images (upload_id, role, region, bucket, key, etag, sha256, format, width, height, size, state, made_at)
select u.id, 'main', u.region, '', u.image_key, u.image_etag, u.image_sha256, u.image_format, u.image_width, u.image_height,
       u.image_size, case when u.state = 'published' then 'live' else 'removing' end, coalesce(u.finished_at, u.updated_at)
from uploads u
where u.image_key is not null
  and (u.state = 'published'
       or exists (select from jobs j
                  where j.subject_kind = 'upload' and j.subject_id = u.id and j.kind = 'remove_published'));

create unique index images_of_upload on images (upload_id, role, spec_key) where upload_id is not null;
