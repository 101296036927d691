-- What the app, the operator and the reconciler ask for. $2 null: the operator, across apps.

-- name: find_upload
select * from uploads where id = $1 and ($2::text is null or app = $2);

-- name: find_public_upload
select * from uploads where public_id = $1 and image_key is not null;

-- name: lock_jobs_of_upload
-- Jobs before the upload, as everywhere.
select id, kind, lease_token is not null as leased from jobs where subject_kind = 'upload' and subject_id = $1 order by id for update;

-- name: lock_upload_of_app
select * from uploads where id = $1 and ($2::text is null or app = $2) for no key update;

-- name: cancel_upload
update uploads set state = 'cancelled', finished_at = $2::timestamptz, updated_at = $2::timestamptz
where id = $1 and state in ('created', 'expired', 'uploaded')
returning *;

-- name: erase_upload
-- The person's data goes; what is needed to remove the objects and to explain the row stays.
with erased as (
    update uploads
    set state = 'deleted', finished_at = $2::timestamptz, updated_at = $2::timestamptz, sequence = $3,
        filename = null, client_metadata = null, exif = null, privacy = null, placeholder = null, perceptual_hash = null,
        dominant_color = null
    where id = $1 and state in ('published', 'rejected', 'failed')
    returning id
),
removing as (
    update images i set state = 'removing' from erased e where i.upload_id = e.id
),
unclaimed as (
    delete from version_claims v using erased e where v.upload_id = e.id
),
packed as (
    update package_items i set name = '' from erased e where i.upload_id = e.id returning i.package_id
),
listed as (
    delete from package_texts t using packed p where t.package_id = p.package_id
),
never_packed as (
    update package_missing m set name = '' from erased e where m.upload_id = e.id
),
prepared as (
    update package_asked a set name = case when a.name is not null then '' end from erased e where a.upload = e.id
    returning a.package_id, a.code
),
ended as (
    update packages p
    set state = 'failed', failure = 'gone', finished_at = $2::timestamptz, expires_at = least(p.expires_at, $2::timestamptz)
    where p.id in (select id from packages
                   where id in (select package_id from packed union select package_id from prepared where code = '')
                     and state in ('preparing', 'queued', 'building', 'ready')
                   order by id
                   for no key update)
    returning p.id, p.app, p.object_key
),
removed as (
    -- At once: the store's own link to a stored one is good until its object has gone.
    insert into jobs (subject_kind, subject_id, generation, app, kind, party)
    select 'package', id, 0, app, 'build_package', 'packages' from ended where object_key is not null
    on conflict (subject_kind, subject_id, generation, kind, slot) do nothing
)
select id from erased;

-- name: erase_package_failures
-- After erase_upload, which waits for those that are being written: a statement of its own sees them.
with named as (
    update package_failures set name = '' where upload_id = $1 returning package_id
)
update callbacks c set body = '' from named n where c.subject_id = n.package_id and c.state in ('delivered', 'dead', 'unsent');

-- name: forget_removed_images
-- Their objects are removed: nothing refers to them any more.
delete from images where upload_id = $1 and state = 'removing';

-- name: erase_told_callbacks
-- Their bodies held the file name and the EXIF; they can not be replayed any more.
update callbacks set body = '' where subject_id = $1 and state in ('delivered', 'dead', 'unsent');

-- name: delete_jobs_of_upload
delete from jobs where subject_kind = 'upload' and subject_id = $1 and kind = $2;

-- name: delete_unclaimed_jobs_of_upload
delete from jobs where subject_kind = 'upload' and subject_id = $1 and kind = $2 and lease_token is null;

-- name: has_jobs
-- Not what only looks again after the grant: that is of a generation that the upload has not.
select exists (select from jobs j join uploads u on j.subject_kind = 'upload' and u.id = j.subject_id where u.id = $1 and j.generation <= u.generation);

-- name: record_kept_etag
update uploads set kept_etag = $2 where id = $1 and kept_etag is distinct from $2;

-- name: retry_upload
-- Not while a worker moves or removes the original. The upload's lock keeps further jobs of that kind from being queued.
update uploads
set state = 'uploaded', finished_at = null, rejection_code = null, rejection_detail = null, updated_at = $2::timestamptz
where id = $1 and state in ('failed', 'rejected') and pinned_etag is not null
  and not exists (select from jobs j
                  where j.subject_kind = 'upload' and j.subject_id = $1 and j.kind = 'settle_original' and j.lease_token is not null)
returning *;

-- name: lock_due_upload
select * from uploads where id = $1 and state = 'created' and expires_at < $2::timestamptz for no key update;

-- name: expire_upload
update uploads set state = 'expired', finished_at = $2::timestamptz, updated_at = $2::timestamptz, sequence = $3
where id = $1 and state = 'created'
returning id;

-- name: still_waiting
select key from uploads where key = any($1::text[]) and state in ('created', 'expired');
