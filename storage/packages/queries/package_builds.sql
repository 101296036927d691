-- Packages that are built into the store: the work, its progress and its end.

-- name: queue_package_build
-- $1 the package, $2 its app
-- The party keeps a part of each worker free of any one app.
insert into jobs (subject_kind, subject_id, generation, app, kind, party)
values ('package', $1, 0, $2, 'build_package', 'packages')
on conflict (subject_kind, subject_id, generation, kind, slot) do nothing;

-- name: find_package_build
-- $2 now
select p.*, p.state in ('queued', 'building') and p.expires_at > $2::timestamptz as wanted, p.state = 'ready' and p.expires_at > $2::timestamptz as built
from packages p where p.id = $1;

-- name: begin_package_build
-- $2 now, $3 region, $4 bucket, $5 key
update packages
set state = 'building', building_since = coalesce(building_since, $2::timestamptz),
    object_region = coalesce(object_region, $3), object_bucket = coalesce(object_bucket, $4), object_key = coalesce(object_key, $5)
where id = $1 and state in ('queued', 'building') and expires_at > $2::timestamptz
returning id;

-- name: package_multipart_begun
-- Parts of another upload count no more.
update packages set multipart = $2, built_bytes = 0 where id = $1 and state = 'building' and object_key is not null returning id;

-- name: package_build_progress
-- $2 what is being done, $3 bytes, $4 bytes a second, $5 now. How many entries are behind so many bytes is looked up in an index.
update packages p
set step = $2, built_bytes = $3::bigint, built_rate = $4::bigint,
    built_items = case when $3::bigint >= p.directory_offset then p.items
                       else coalesce((select i.position from package_items i
                                      where i.package_id = p.id and i.archive_offset <= $3::bigint
                                      order by i.archive_offset desc limit 1), 0) end
where p.id = $1 and p.state = 'building' and p.expires_at > $5::timestamptz
returning p.id;

-- name: finish_package_build
-- $2 now
update packages set state = 'ready', finished_at = $2::timestamptz, built_bytes = size, built_items = items, step = 'waiting', multipart = null
where id = $1 and state = 'building'
returning id;

-- name: fail_package_build
-- $2 now, $3 why; its object is removed as that of any package that is over.
update packages
set state = 'failed', failure = $3, finished_at = $2::timestamptz, step = 'waiting', expires_at = least(expires_at, $2::timestamptz)
where id = $1 and state in ('queued', 'building')
returning id;

-- name: note_package_failures
-- $2 positions, $3 codes. The names are those of the entries, which a deletion that comes at the same time erases here too.
insert into package_failures (package_id, position, upload_id, name, code)
select i.package_id, i.position, i.upload_id, i.name, failed.code
from unnest($2::bigint[], $3::text[]) as failed (position, code)
join package_items i on i.package_id = $1 and i.position = failed.position
order by i.position
for share of i
on conflict (package_id, position) do nothing;

-- name: tell_package_outcome
-- A row: its app has to be told now.
update packages set outcome_told = true
where id = $1 and state in ('ready', 'failed') and not outcome_told
returning *;

-- name: package_failures
-- $2 at most
select position, upload_id, name, code from package_failures where package_id = $1 order by position limit $2::integer;

-- name: package_object_removed
update packages set object_region = null, object_bucket = null, object_key = null, multipart = null where id = $1;

-- name: packages_named
-- Of the keys $2 of bucket $1, those that are some package's object, and its unfinished upload.
select object_key, coalesce(multipart, '') as multipart from packages
where id = any($3::text[]) and object_bucket = $1 and object_key = any($2::text[]);

-- name: keep_package_parts
-- $2 the multipart upload, $3 numbers, $4 their fragments as texts
insert into package_parts (package_id, multipart, number, fragments)
select $1, $2, number, fragments::bigint[] from unnest($3::integer[], $4::text[]) as kept (number, fragments)
on conflict (package_id, number) do update set multipart = excluded.multipart, fragments = excluded.fragments;

-- name: package_parts
-- Those of the multipart upload $2.
select number, fragments::text as fragments from package_parts where package_id = $1 and multipart = $2;

-- name: forget_package_parts
delete from package_parts where package_id = $1;
