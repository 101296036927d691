-- Profiles that are made while gateways run, beside those of the configuration. One that was deleted stays as long as uploads have
-- it: it takes no new ones, and rules those that it has.

create table app_profiles (
    app         text collate "C" not null,
    name        text collate "C" not null,
    settings    json not null,  -- as [apps.NAME.profiles.NAME]: what differs from the defaults
    state       text collate "C" not null default 'active',
    version     bigint not null,  -- of app_changes when it was changed
    created_by  text not null,
    created_at  timestamptz not null,
    changed_by  text not null,
    changed_at  timestamptz not null,
    primary key (app, name),
    constraint app_profiles_state check (state in ('active', 'retired')),
    constraint app_profiles_size check (octet_length(settings::text) <= 32768)
);
