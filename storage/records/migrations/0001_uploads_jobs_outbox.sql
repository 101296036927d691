-- Uploads, jobs, the outbox and what keeps them single: the first schema.
--
-- Few indexes on purpose. `awaits_until` and `unusual_end` are generated so that their indexes do not name `state`: a change
-- of state alone then stays a heap-only update, which writes no index at all.

create function may_become(was text, becomes text) returns boolean
    language sql immutable parallel safe as
$$
    select (was, becomes) in (
        ('created', 'uploaded'), ('expired', 'uploaded'),                                          -- t2
        ('uploaded', 'processing'),                                                                -- t3
        ('processing', 'published'), ('processing', 'rejected'),                                   -- t5, t6, t10
        ('processing', 'uploaded'), ('processing', 'failed'),                                      -- t7, t10, t8
        ('created', 'expired'), ('expired', 'created'),                                            -- t9, a fresh grant
        ('created', 'cancelled'), ('expired', 'cancelled'), ('uploaded', 'cancelled'),             -- t11
        ('published', 'deleted'), ('rejected', 'deleted'), ('failed', 'deleted'),                  -- t12
        ('failed', 'uploaded'), ('rejected', 'uploaded'))                                          -- t13
$$;

create function refuse_illegal_transition() returns trigger
    language plpgsql as
$$
begin
    if not may_become(old.state, new.state) then
        raise exception 'upload % may not go from % to %', old.id, old.state, new.state
            using errcode = 'check_violation', constraint = 'uploads_transition';
    end if;
    return new;
end
$$;

create table uploads (
    id                text collate "C" primary key,
    public_id         text collate "C" not null,
    app               text collate "C" not null,
    profile           text collate "C" not null,
    state             text collate "C" not null default 'created'
                      constraint uploads_state check (state in ('created', 'uploaded', 'processing', 'published', 'rejected',
                                                                'failed', 'expired', 'cancelled', 'deleted')),
    method            text collate "C" not null constraint uploads_method check (method in ('put', 'post')),
    region            text collate "C" not null,
    bucket            text collate "C" not null,
    key               text collate "C" not null,

    filename          text,
    declared_type     text,
    declared_size     bigint,
    declared_sha256   text,
    metadata          jsonb not null,
    client_fields     text[] not null,
    callback_url      text,
    request_id        text not null,
    created_at        timestamptz not null,
    expires_at        timestamptz not null,

    received_at       timestamptz,
    pinned_etag       text,
    pinned_size       bigint,
    pinned_version    text,
    client_metadata   text,
    generation        integer not null default 0,

    -- JSON as text: what was in a stranger's file may hold escapes (\u0000) that jsonb refuses.
    found_type        text,
    found_size        bigint,
    found_sha256      text,
    found_width       bigint,
    found_height      bigint,
    exif              text,
    privacy           text,
    placeholder       text,
    perceptual_hash   text,

    image_key         text,
    image_etag        text,
    image_sha256      text,
    image_format      text,
    image_width       bigint,
    image_height      bigint,
    image_size        bigint,

    rejection_code    text,
    rejection_detail  text,
    finished_at       timestamptz,

    sequence          bigint not null default 0,
    updated_at        timestamptz not null,

    awaits_until      timestamptz generated always as (case when state = 'created' then expires_at end) stored,
    unusual_end       text collate "C" generated always as
                      (case when state in ('rejected', 'failed', 'expired', 'cancelled', 'deleted') then state end) stored,

    constraint uploads_generation check (generation >= 0),
    constraint uploads_published check (state <> 'published' or image_key is not null),
    constraint uploads_pinned check (state not in ('uploaded', 'processing', 'published') or pinned_etag is not null)
) with (fillfactor = 85);

create unique index uploads_object on uploads (key, bucket);
create index uploads_app on uploads (app, id);
create index uploads_public on uploads (public_id) where image_key is not null;
create index uploads_awaited on uploads (awaits_until) where awaits_until is not null;
create index uploads_unusual on uploads (unusual_end, id) where unusual_end is not null;

create trigger uploads_transition before update of state on uploads
    for each row when (old.state is distinct from new.state) execute function refuse_illegal_transition();

-- Unfinished work alone: a finished job's row is deleted, so that claiming costs the same after ten million of them.
create table jobs (
    id           bigint generated always as identity primary key,
    upload_id    text collate "C" not null references uploads (id),
    generation   integer not null,
    app          text collate "C" not null,
    kind         text collate "C" not null
                 constraint jobs_kind check (kind in ('process', 'settle_original', 'remove_published')),
    detail       text not null default '',
    attempt      integer not null default 0,
    crashes      integer not null default 0,
    run_at       timestamptz not null default now(),
    ready_since  timestamptz not null default now(),
    lease_token  text collate "C",
    lease_until  timestamptz,
    given_back   text collate "C",  -- the token of the last lease that ended: how a lost COMMIT is looked up
    worker       text,
    constraint jobs_lease check ((lease_token is null) = (lease_until is null)),
    constraint jobs_once unique (upload_id, generation, kind)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000);

create index jobs_ready on jobs (app, kind, run_at, id) where lease_token is null;
create index jobs_leased on jobs (lease_until) where lease_token is not null;

create table callbacks (
    id               text collate "C" primary key,
    upload_id        text collate "C" not null,
    app              text collate "C" not null,
    type             text collate "C" not null,
    sequence         bigint not null,
    url              text collate "C" not null,
    body             text not null,
    state            text collate "C" not null default 'waiting'
                     constraint callbacks_state check (state in ('waiting', 'delivered', 'dead')),
    attempts         integer not null default 0,
    created_at       timestamptz not null,
    next_attempt_at  timestamptz,  -- infinity while the endpoint is paused
    finished_at      timestamptz,
    lease_token      text collate "C",
    lease_until      timestamptz,
    constraint callbacks_once unique (upload_id, sequence)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);

create index callbacks_due on callbacks (next_attempt_at, id) where state = 'waiting';
create index callbacks_url on callbacks (url, next_attempt_at, id) where state = 'waiting';
create index callbacks_leased on callbacks (url) where lease_token is not null;
create index callbacks_dead on callbacks (id) where state = 'dead';

create table callback_attempts (
    callback_id  text collate "C" not null,
    lease_token  text collate "C" not null,
    at           timestamptz not null,
    status       integer,
    error        text not null,
    latency_ms   bigint not null,
    answer       text not null,
    primary key (callback_id, lease_token)
);
create index callback_attempts_at on callback_attempts using brin (at) with (autosummarize = on, pages_per_range = 32);

create table paused_endpoints (
    url        text collate "C" primary key,
    paused_at  timestamptz not null
);

create table inbox (
    event_id     text collate "C" primary key,
    source       text collate "C" not null,
    received_at  timestamptz not null
);
create index inbox_received on inbox using brin (received_at) with (autosummarize = on, pages_per_range = 32);

create table event_quarantine (
    id           bigint generated always as identity primary key,
    source       text not null,
    reason       text not null,
    body         bytea not null,
    received_at  timestamptz not null
);

create table idempotency_keys (
    app             text collate "C" not null,
    key             text collate "C" not null,
    request_sha256  text collate "C" not null,
    upload_id       text collate "C" not null,
    created_at      timestamptz not null,
    primary key (app, key)
);
create index idempotency_keys_created on idempotency_keys using brin (created_at)
    with (autosummarize = on, pages_per_range = 32);

create table timeline (
    id         bigint generated always as identity primary key,
    upload_id  text collate "C" not null,
    at         timestamptz not null,
    event      text collate "C" not null,
    detail     text not null default '{}'
);
create index timeline_upload on timeline (upload_id, id);
