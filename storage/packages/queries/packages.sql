-- Packages: made, found, read page by page, ended.

-- name: release_package_key
-- $1 app, $2 key, $3 now: as if it had never been used.
update packages set idempotency_key = null, request_sha256 = null
where app = $1 and idempotency_key = $2 and created_at <= $3::timestamptz - interval '24 hours';

-- name: claim_package
-- Nothing where the key is taken; what holds it is waited for while its transaction runs.
insert into packages (id, app, name, mode, state, on_missing, metadata, request_id, idempotency_key, request_sha256, created_at, expires_at)
values ($1, $2, $3, $4, $5, $6, $7::jsonb, $8, $9, $10, $11::timestamptz, $12::timestamptz)
on conflict (app, idempotency_key) where idempotency_key is not null do nothing
returning id;

-- name: package_of_key
select * from packages where app = $1 and idempotency_key = $2;

-- Uploads for a package: $1 app, $2 see below, $3 whether their metadata is needed, $4 whether their originals are. They are locked,
-- so that a deletion that comes at the same time finds the items.

-- name: uploads_for_package
-- $2 ids in order
select asked.place, u.id, u.public_id, u.profile, u.state, u.filename, u.created_at, u.finished_at, u.image_watermark, u.image_alpha,
       substring(u.exif from '"taken_at": ?"([^"\\]{4,32})"') as taken_at, case when $3::boolean then u.metadata end as metadata,
       i.region, i.bucket, i.key, i.etag, i.size, i.crc32, i.format, i.width, i.height,
       u.region as original_region, coalesce(u.kept_etag, u.pinned_etag) as original_etag, u.found_size as original_size, u.found_type as original_type,
       u.original_crc32,
       $4::boolean and exists (select from jobs j
                               where j.subject_kind = 'upload' and j.subject_id = u.id and j.kind = 'settle_original')
           as original_moving
from unnest($2::text[]) with ordinality as asked (id, place)
join uploads u on u.id = asked.id and u.app = $1
left join images i on i.upload_id = u.id and i.role = 'main' and i.state = 'live'
order by asked.place
for share of u;

-- name: published_for_package
-- $2 behind this id, $5 profile or null, $6 and $7 created after and before or null, $8 the least id, $9 at most
select u.id, u.public_id, u.profile, u.state, u.filename, u.created_at, u.finished_at, u.image_watermark, u.image_alpha,
       substring(u.exif from '"taken_at": ?"([^"\\]{4,32})"') as taken_at, case when $3::boolean then u.metadata end as metadata,
       i.region, i.bucket, i.key, i.etag, i.size, i.crc32, i.format, i.width, i.height,
       u.region as original_region, coalesce(u.kept_etag, u.pinned_etag) as original_etag, u.found_size as original_size, u.found_type as original_type,
       u.original_crc32,
       $4::boolean and exists (select from jobs j
                               where j.subject_kind = 'upload' and j.subject_id = u.id and j.kind = 'settle_original')
           as original_moving
from uploads u
left join images i on i.upload_id = u.id and i.role = 'main' and i.state = 'live'
where u.app = $1 and u.id > $2 and u.id >= $8 and u.state = 'published' and ($5::text is null or u.profile = $5)
  and ($6::timestamptz is null or u.created_at > $6) and ($7::timestamptz is null or u.created_at < $7)
order by u.app, u.id
limit $9::integer
for share of u;

-- name: published_for_package_by_metadata
-- As above; $10 metadata that each has.
with found as materialized (select id from uploads where metadata @> $10::jsonb and metadata <> '{}'::jsonb)
select u.id, u.public_id, u.profile, u.state, u.filename, u.created_at, u.finished_at, u.image_watermark, u.image_alpha,
       substring(u.exif from '"taken_at": ?"([^"\\]{4,32})"') as taken_at, case when $3::boolean then u.metadata end as metadata,
       i.region, i.bucket, i.key, i.etag, i.size, i.crc32, i.format, i.width, i.height,
       u.region as original_region, coalesce(u.kept_etag, u.pinned_etag) as original_etag, u.found_size as original_size, u.found_type as original_type,
       u.original_crc32,
       $4::boolean and exists (select from jobs j
                               where j.subject_kind = 'upload' and j.subject_id = u.id and j.kind = 'settle_original')
           as original_moving
from uploads u
left join images i on i.upload_id = u.id and i.role = 'main' and i.state = 'live'
where u.id in (select id from found) and u.app = $1 and u.id > $2 and u.id >= $8 and u.state = 'published'
  and ($5::text is null or u.profile = $5) and ($6::timestamptz is null or u.created_at > $6)
  and ($7::timestamptz is null or u.created_at < $7)
order by u.id
limit $9::integer
for share of u;

-- name: versions_for_package
-- $1 uploads and $2 keys, in pairs. They are used from now on.
with wanted as (select upload_id, spec_key from unnest($1::text[], $2::text[]) as pairs (upload_id, spec_key)),
used as (
    update images i set used_at = now() from wanted w
    where i.upload_id = w.upload_id and i.role = 'version' and i.spec_key = w.spec_key
      and (i.used_at is null or i.used_at < now() - interval '1 hour')
)
select i.upload_id, i.spec_key, i.region, i.bucket, i.key, i.etag, i.size, i.crc32, i.format, i.width, i.height
from wanted w join images i on i.upload_id = w.upload_id and i.role = 'version' and i.spec_key = w.spec_key
where i.state = 'live';

-- name: plan_package
-- What its archive came to be.
update packages set items = $2, missing = $3, size = $4, directory_offset = $5, directory_size = $6, etag = $7, finished_at = $8::timestamptz
where id = $1
returning *;

-- name: find_package
-- $2 null: the operator, across apps.
select * from packages where id = $1 and ($2::text is null or app = $2);

-- name: find_marked_package
-- As find_package. xmin is another after every change of the row.
select *, xmin::text::bigint as mark from packages where id = $1 and ($2::text is null or app = $2);

-- name: marks_of_packages
select id, xmin::text::bigint as mark from packages where id = any($1::text[]);

-- name: packages_by_id
select * from packages where id = any($1::text[]);

-- name: ended_packages
-- Those of $1 that are ready or over.
select id, object_key is not null as has_object from packages where id = any($1::text[]) and state in ('ready', 'failed', 'deleted');

-- name: list_packages
-- $1 app, $2 before id or null, $3 at most
select * from packages where app = $1 and ($2::text is null or id < $2) order by app desc, id desc limit $3::integer;

-- name: list_all_packages
select * from packages where ($1::text is null or app = $1) and ($2::text is null or id < $2) order by id desc limit $3::integer;

-- name: delete_package
-- $3 now
update packages
set state = 'deleted', finished_at = $3::timestamptz, expires_at = least(expires_at, $3::timestamptz)
where id = $1 and ($2::text is null or app = $2) and state <> 'deleted'
returning *;

-- Pages of entries, of a package that is to be had: $1 the package, $2 from where on, $3 at most.

-- name: package_page
-- From the entry on that has this byte of the archive.
select * from package_items i
where i.package_id = $1
  and i.archive_offset >= (select max(at.archive_offset) from package_items at
                           where at.package_id = $1 and at.archive_offset <= $2::bigint)
  and exists (select from packages p where p.id = $1 and p.state in ('building', 'ready'))
order by i.package_id, i.archive_offset
limit $3::integer;

-- name: package_directory_page
-- From the entry on whose record has this byte of the central directory.
select * from package_items i
where i.package_id = $1
  and i.position >= (select max(at.position) from package_items at
                     where at.package_id = $1 and at.directory_offset <= $2::bigint)
  and exists (select from packages p where p.id = $1 and p.state in ('building', 'ready'))
order by i.package_id, i.position
limit $3::integer;

-- name: package_position_page
select * from package_items i
where i.package_id = $1 and i.position >= $2::bigint and exists (select from packages p where p.id = $1 and p.state in ('building', 'ready'))
order by i.package_id, i.position
limit $3::integer;

-- name: package_text
-- From the piece on that has byte $2; $3 pieces at most.
select from_byte, text from package_texts
where package_id = $1
  and from_byte >= coalesce((select max(at.from_byte) from package_texts at where at.package_id = $1 and at.from_byte <= $2::bigint), 0)
order by package_id, from_byte
limit $3::integer;

-- name: package_is_ready
select exists (select from packages where id = $1 and state = 'ready');

-- name: package_missing
select * from package_missing where package_id = $1 order by place limit $2::integer;
