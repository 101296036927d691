-- Versions of published images are made when they are first asked for, each by one gateway at a time: whoever makes one holds a
-- lease. The row goes when the version is stored; one that failed stays, so that nobody tries again too soon.
create table version_claims (
    upload_id    text collate "C" not null references uploads (id) on delete cascade,
    spec_key     text collate "C" not null,
    attempts     integer not null default 0,  -- that ended without a version
    code         text not null default '',    -- why the last one did
    retry_at     timestamptz not null default now(),
    lease_token  text collate "C",
    lease_until  timestamptz,
    constraint version_claims_lease check ((lease_token is null) = (lease_until is null)),
    primary key (upload_id, spec_key)
) with (fillfactor = 80);
