-- Apps, profiles, keys and callback secrets, and the log of what was done with them. Every change begins with change_apps, which locks.

-- name: apps_version
select version from app_changes;

-- name: change_apps
-- The others are told when this commits.
with changed as (update app_changes set version = version + 1 returning version)
select version, pg_notify('photogate_apps', '') from changed;

-- name: all_apps
select name, profiles_of, callback_url, state, created_at, changed_at from apps order by name;

-- name: find_app
select name, profiles_of, callback_url, state, created_at, changed_at from apps where name = $1;

-- name: insert_app
-- $1 name, $2 profiles of, $3 callback URL, $4 now
insert into apps (name, profiles_of, callback_url, created_at, changed_at) values ($1, $2, $3, $4::timestamptz, $4::timestamptz)
on conflict (name) do nothing returning name;

-- name: update_app
-- $1 name, $2 state, $3 callback URL, $4 now
update apps set state = $2, callback_url = $3, changed_at = $4::timestamptz where name = $1;

-- name: live_app_keys
select id, app, hash, hint, created_by, created_at, revoked_at from app_keys where revoked_at is null order by id;

-- name: keys_of_app
-- The revoked ones too, the latest 100.
select id, app, hash, hint, created_by, created_at, revoked_at from app_keys where app = $1 order by id desc limit 100;

-- name: count_live_app_keys
select count(*) from app_keys where app = $1 and revoked_at is null;

-- name: find_app_key
select id, app, hash, hint, created_by, created_at, revoked_at from app_keys where id = $1;

-- name: insert_app_key
-- $1 id, $2 app, $3 hash, $4 hint, $5 who, $6 now
insert into app_keys (id, app, hash, hint, created_by, created_at) values ($1, $2, $3, $4, $5, $6::timestamptz);

-- name: revoke_app_key
-- $1 id, $2 app, $3 now
update app_keys set revoked_at = $3::timestamptz where id = $1 and app = $2 and revoked_at is null returning id;

-- name: live_app_secrets
select id, app, secret, created_by, created_at, revoked_at from app_callback_secrets where revoked_at is null order by id desc;

-- name: secrets_of_app
select id, app, null as secret, created_by, created_at, revoked_at from app_callback_secrets where app = $1 order by id desc limit 100;

-- name: count_live_app_secrets
select count(*) from app_callback_secrets where app = $1 and revoked_at is null;

-- name: find_app_secret
select id, app, null as secret, created_by, created_at, revoked_at from app_callback_secrets where id = $1;

-- name: insert_app_secret
-- $1 id, $2 app, $3 the secret, $4 who, $5 now
insert into app_callback_secrets (id, app, secret, created_by, created_at) values ($1, $2, $3, $4, $5::timestamptz);

-- name: revoke_app_secret
-- $1 id, $2 app, $3 now
update app_callback_secrets set revoked_at = $3::timestamptz, secret = null
where id = $1 and app = $2 and revoked_at is null returning id;

-- name: all_app_profiles
select app, name, settings, state, version, created_by, created_at, changed_by, changed_at from app_profiles order by app, name;

-- name: profiles_of_app
select app, name, settings, state, version, created_by, created_at, changed_by, changed_at from app_profiles
where app = $1 order by name;

-- name: find_app_profile
select app, name, settings, state, version, created_by, created_at, changed_by, changed_at from app_profiles
where app = $1 and name = $2;

-- name: count_app_profiles
select count(*) filter (where state = 'active') as active, count(*) as kept from app_profiles where app = $1;

-- name: put_app_profile
-- $1 app, $2 name, $3 settings, $4 version, $5 created by, $6 created at, $7 who, $8 now
insert into app_profiles (app, name, settings, version, created_by, created_at, changed_by, changed_at)
values ($1, $2, $3::json, $4::bigint, $5, $6::timestamptz, $7, $8::timestamptz)
on conflict (app, name) do update
set settings = excluded.settings, state = 'active', version = excluded.version, created_by = excluded.created_by,
    created_at = excluded.created_at, changed_by = excluded.changed_by, changed_at = excluded.changed_at;

-- name: retire_app_profile
-- $1 app, $2 name, $3 version, $4 who, $5 now
update app_profiles set state = 'retired', version = $3::bigint, changed_by = $4, changed_at = $5::timestamptz
where app = $1 and name = $2;

-- name: remove_unused_app_profiles
-- $1 app, $2 now. A gateway that has not heard of the deletion makes uploads for a second more.
delete from app_profiles p
where p.app = $1 and p.state = 'retired' and p.changed_at < $2::timestamptz - interval '1 hour'
  and not exists (select from uploads u where u.app = p.app and u.profile = p.name);

-- name: insert_app_audit
-- $1 now, $2 who, $3 what, $4 app, $5 key, secret or profile, $6 detail, $7 request id
insert into app_audit (at, actor, action, app, subject, detail, request_id)
values ($1::timestamptz, $2, $3, $4, $5, $6::jsonb, $7);

-- name: list_app_audit
-- $1 app or null, $2 ids less than or null, $3 at most
select id, at, actor, action, app, subject, detail, request_id from app_audit
where ($1::text is null or app = $1) and ($2::bigint is null or id < $2::bigint)
order by id desc limit $3::integer;

-- name: open_uploads_of_apps
-- Those whose grant has not ended; `awaits_until` is null once the object has arrived.
select app, count(*) as uploads, coalesce(sum(declared_size), 0)::bigint as bytes from uploads
where awaits_until > now() and app = any($1::text[]) group by app;

-- name: app_usage
-- $1 app, $2 the least id, $3 from, $4 until. By day in UTC.
with sent as (
    select (created_at at time zone 'UTC')::date as day, count(*) as uploads,
           count(*) filter (where state = 'published') as published,
           coalesce(sum(pinned_size), 0)::bigint as bytes
    from uploads
    where app = $1 and id >= $2 and created_at >= $3::timestamptz and created_at < $4::timestamptz
    group by 1
), made as (
    select day, sum(made)::bigint as versions from version_counts
    where app = $1 and day >= ($3::timestamptz at time zone 'UTC')::date and day < ($4::timestamptz at time zone 'UTC')::date
    group by day
)
select day::text as day, coalesce(uploads, 0) as uploads, coalesce(published, 0) as published, coalesce(bytes, 0) as bytes,
       coalesce(versions, 0) as versions
from sent full join made using (day)
order by day;
