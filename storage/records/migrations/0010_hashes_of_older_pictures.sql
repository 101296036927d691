-- In steps: run again, in a transaction each time, until its last statement changes no row.
--
-- The hashes of pictures that were published before: 5,000 uploads a step, in the order of their ids. Their locks keep a deletion
-- from passing by unseen.
with step as materialized (
    select max(id) as last from (
        select id from uploads where id > (select to_id from picture_hashes_copied) order by id limit 5000) as next
),
hashed as materialized (
    select u.id, u.app, u.perceptual_hash from uploads u, step
    where u.id > (select to_id from picture_hashes_copied) and u.id <= step.last and u.perceptual_hash ~ '^[0-9a-f]{16}$'
    order by u.id
    for no key update of u
),
copied as (
    insert into picture_hashes (upload_id, app, hash)
    select id, app, ('x' || perceptual_hash)::bit(64)::bigint from hashed
    on conflict (upload_id) do nothing
)
update picture_hashes_copied set to_id = step.last from step where step.last is not null;
