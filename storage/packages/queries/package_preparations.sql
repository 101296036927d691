-- Packages whose versions have to be made first: what was asked for, how far they are, and their archive's layout at last.

-- name: preparing_packages
-- $1 app, $2 but this one
select count(*) from packages where app = $1 and state = 'preparing' and id <> $2;

-- name: drop_planned_items
-- Of a package whose archive turned out not to be complete.
with missing as (delete from package_missing where package_id = $1)
delete from package_items where package_id = $1;

-- name: add_package_recipe
insert into package_recipes (package_id, content, detail, watermark, path, manifest) values ($1, $2, $3, $4, $5, $6);

-- name: package_is_preparing
-- $2 items, $3 missing, $4 of the items those that are there
update packages set state = 'preparing', items = $2, missing = $3, prepared = $4 where id = $1 returning *;

-- name: queue_package_preparation
-- $1 the package, $2 its app
insert into jobs (subject_kind, subject_id, generation, app, kind)
values ('package', $1, 0, $2, 'prepare_package')
on conflict (subject_kind, subject_id, generation, kind, slot) do nothing;

-- name: find_package_preparation
-- $2 now
select p.*, r.content, r.detail, r.watermark, r.path, r.manifest
from packages p join package_recipes r on r.package_id = p.id
where p.id = $1 and p.state = 'preparing' and p.expires_at > $2::timestamptz;

-- name: unprepared_items
-- $2 behind this place, $3 at most
select place, upload, name, attempts from package_asked
where package_id = $1 and not prepared and place > $2::bigint
order by package_id, place
limit $3::integer;

-- name: items_prepared
-- $2 places, $3 why they are not in the archive, $4 whether nothing has to be made for them any more; $5 now
with told as (
    select place, code, prepared from unnest($2::integer[], $3::text[], $4::boolean[]) as told (place, code, prepared)
),
done as (
    update package_asked a
    set prepared = t.prepared, code = t.code, attempts = a.attempts + case when t.prepared then 0 else 1 end
    from told t
    where a.package_id = $1 and a.place = t.place and not a.prepared
    returning a.prepared
)
update packages set prepared = prepared + (select count(*) from done where prepared)
where id = $1 and state = 'preparing' and expires_at > $5::timestamptz
returning id;

-- name: asked_page
-- $2 behind this place, $3 at most
select place, upload, name, code from package_asked
where package_id = $1 and place > $2::bigint
order by package_id, place
limit $3::integer;

-- name: prepared_package_planned
-- What its archive came to be; $8 now, $9 the state that follows.
update packages
set state = $9, items = $2, missing = $3, size = $4, directory_offset = $5, directory_size = $6, etag = $7, prepared = $2,
    finished_at = case when $9 = 'ready' then $8::timestamptz end
where id = $1 and state = 'preparing' and expires_at > $8::timestamptz
returning *;

-- name: prepare_package_again
-- Versions that were there have gone since.
with again as (update package_asked set prepared = false where package_id = $1 and code = '')
update packages set prepared = 0 where id = $1 and state = 'preparing' returning id;

-- name: fail_package_preparation
-- $2 now, $3 why, $4 at most so many items are named
with failed as (
    update packages p
    set state = 'failed', failure = $3, finished_at = $2::timestamptz,
        missing = (select count(*) from package_asked a where a.package_id = p.id and a.code <> '')
    where id = $1 and state = 'preparing'
    returning id, app
),
named as (
    insert into package_missing (package_id, place, upload_id, name, code)
    select a.package_id, a.place, u.id, coalesce(a.name, u.filename, a.upload), a.code
    from package_asked a join failed f on f.id = a.package_id
    left join uploads u on u.id = a.upload and u.app = f.app
    where a.code <> ''
    order by a.place
    limit $4::integer
    on conflict (package_id, place) do nothing
)
select id from failed;

-- name: fail_overdue_preparation
-- $2 now, $3 why
update packages set state = 'failed', failure = $3, finished_at = $2::timestamptz
where id = $1 and state = 'preparing' and expires_at <= $2::timestamptz
returning id;

-- name: forget_package_preparation
with recipe as (delete from package_recipes where package_id = $1)
delete from package_asked where package_id = $1;
