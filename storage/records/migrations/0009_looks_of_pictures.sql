-- What a published picture looks like: its dominant colour, whether it may be transparent, and which pictures look like it.
alter table uploads
    add column dominant_color text,
    add column image_alpha boolean;  -- null: not known, of images from before this column

-- Bits first, first + 4, first + 8, … of 64 as a number of sixteen.
create function every_fourth_bit(hash bigint, first integer) returns integer
    language plpgsql immutable strict parallel safe as
$$
declare
    bits bigint := (hash >> first) & 1229782938247303441;  -- 0x1111111111111111
begin
    bits := (bits | (bits >> 3)) & 217020518514230019;  -- 0x0303030303030303
    bits := (bits | (bits >> 6)) & 4222189076152335;  -- 0x000F000F000F000F
    bits := (bits | (bits >> 12)) & 1095216660735;  -- 0x000000FF000000FF
    return (bits | (bits >> 24)) & 65535;
end
$$;

-- Perceptual hashes, to be found by their Hamming distance: two that differ in at most 4 n + 3 bits differ in at most n bits in
-- one of four blocks of sixteen. A block takes every fourth bit, so that no plain region of a picture decides a whole block.
create table picture_hashes (
    upload_id  text collate "C" primary key references uploads (id) on delete cascade,
    app        text collate "C" not null,
    hash       bigint not null,
    block_0    integer not null generated always as (every_fourth_bit(hash, 0)) stored,
    block_1    integer not null generated always as (every_fourth_bit(hash, 1)) stored,
    block_2    integer not null generated always as (every_fourth_bit(hash, 2)) stored,
    block_3    integer not null generated always as (every_fourth_bit(hash, 3)) stored
);
create index picture_hashes_0 on picture_hashes (app, block_0, hash, upload_id);  -- finds the uploads of a hash, too
create index picture_hashes_1 on picture_hashes (app, block_1, hash);
create index picture_hashes_2 on picture_hashes (app, block_2, hash);
create index picture_hashes_3 on picture_hashes (app, block_3, hash);

-- By a trigger, so that what a gateway publishes or deletes while the next migration runs is not missed.
create function keep_picture_hash() returns trigger
    language plpgsql as
$$
begin
    delete from picture_hashes where upload_id = new.id;
    if new.perceptual_hash ~ '^[0-9a-f]{16}$' then
        insert into picture_hashes (upload_id, app, hash)
        values (new.id, new.app, ('x' || new.perceptual_hash)::bit(64)::bigint);
    end if;
    return null;
end
$$;

create trigger uploads_picture_hash after update of perceptual_hash on uploads
    for each row when (old.perceptual_hash is distinct from new.perceptual_hash) execute function keep_picture_hash();

create table picture_hashes_copied (to_id text collate "C" not null);
insert into picture_hashes_copied values ('');
