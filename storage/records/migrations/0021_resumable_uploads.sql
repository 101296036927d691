-- Uploads that are sent through the gateway and continued after a cut.
alter table uploads
    drop constraint uploads_method,
    add constraint uploads_method check (method in ('put', 'post', 'multipart', 'resumable')) not valid;

-- Where each stands, from its first connection until nothing of it is left in the store.
create table resumables (
    upload_id  text collate "C" primary key references uploads (id) on delete cascade,
    beginning  integer not null default 0,         -- how often it was begun anew
    epoch      bigint not null default 1,          -- of the newest connection; what an older one says is not done
    received   bigint not null default 0,          -- bytes that are acknowledged
    length     bigint,                             -- null: not told yet
    state      text not null default 'open',
    metadata   text not null default '',           -- Upload-Metadata of tus, as sent
    takes      integer not null default 1,         -- connections since taken_at
    taken_at   timestamptz not null default now(),
    look_at    timestamptz not null,               -- whether anything is to be assembled or removed
    constraint resumables_state check (state in ('open', 'received', 'over')),
    constraint resumables_received check (received >= 0 and (length is null or received <= length))
);
create index resumables_due on resumables (look_at, upload_id);
create index resumables_open on resumables (upload_id) where state = 'open';

-- What the received bytes are kept in. Objects beside these are no one's.
create table chunks (
    upload_id  text collate "C" not null references resumables (upload_id) on delete cascade,
    beginning  integer not null,
    first      bigint not null,
    size       bigint not null,
    epoch      bigint not null,
    etag       text not null,
    sha256     text not null,                      -- hex
    primary key (upload_id, beginning, first),
    constraint chunks_size check (size > 0)
);
