-- Apps, keys and callback secrets that are made while gateways run, beside those of the configuration, and what operators did.

-- One row, locked by every change: so that changes have an order, and a gateway sees at a glance whether it knows the latest.
create table app_changes (
    only_one    boolean primary key default true check (only_one),
    version     bigint not null
);
insert into app_changes (version) values (1);

create table apps (
    name            text collate "C" primary key,
    profiles_of     text collate "C" not null,  -- the app of the configuration whose profiles and limits it has
    callback_url    text,
    state           text collate "C" not null default 'active',
    created_at      timestamptz not null,
    changed_at      timestamptz not null,
    constraint apps_state check (state in ('active', 'disabled'))
);

-- Of any app, the configuration's too. A key is not kept, its hash is.
create table app_keys (
    id          text collate "C" primary key,
    app         text collate "C" not null,
    hash        text collate "C" not null unique,  -- sha256:…, as in the configuration
    hint        text collate "C" not null,         -- the key's last characters
    created_by  text not null,
    created_at  timestamptz not null,
    revoked_at  timestamptz
);
create index app_keys_app on app_keys (app, id);

-- What signs callbacks has to be known as it is; it goes when it is revoked.
create table app_callback_secrets (
    id          text collate "C" primary key,
    app         text collate "C" not null,
    secret      text collate "C",  -- null: revoked
    created_by  text not null,
    created_at  timestamptz not null,
    revoked_at  timestamptz,
    constraint app_callback_secrets_revoked check ((secret is null) = (revoked_at is not null))
);
create index app_callback_secrets_app on app_callback_secrets (app, id);

create table app_audit (
    id          bigint generated always as identity primary key,
    at          timestamptz not null,
    actor       text not null,
    action      text collate "C" not null,
    app         text collate "C" not null,
    subject     text collate "C",  -- the key or secret
    detail      jsonb not null default '{}',
    request_id  text
);
create index app_audit_app on app_audit (app, id);
