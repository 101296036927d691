-- Versions that nobody has asked for in a long time.

-- name: unused_versions
-- $1 seconds, $2 at most
select i.id, i.upload_id, i.spec_key, i.region, i.bucket, i.key, u.app, u.profile, u.image_format, u.image_width, u.image_height,
       u.image_watermark, u.exif
from images i join uploads u on u.id = i.upload_id
where i.role = 'version' and i.state = 'live'
  and coalesce(i.used_at, i.made_at) < now() - make_interval(secs => $1::double precision)
order by coalesce(i.used_at, i.made_at), i.id
limit $2::integer;

-- name: keep_versions
update images set used_at = now() where id = any($1::bigint[]) and role = 'version';

-- name: forget_unused_versions
-- $1 ids, $2 seconds, $3 the bucket. A row that is asked for at this moment is waited for, and looked at again.
with gone as (
    delete from images
    where id = any($1::bigint[]) and role = 'version' and state = 'live' and bucket = $3
      and coalesce(used_at, made_at) < now() - make_interval(secs => $2::double precision)
    returning key, bucket
)
insert into sweeps (key, bucket) select key, bucket from gone
on conflict (key, bucket) do update set opened_at = now(), removed_at = null
returning key;
