-- Client tokens: what has been used of each, and which upload was made with which. A token is a signed claim; its row comes
-- into being with its first use.

create table client_tokens (
    id          text collate "C" primary key,
    app         text collate "C" not null,
    profile     text collate "C" not null,
    expires_at  timestamptz not null,
    uploads     bigint not null default 0,
    bytes       bigint not null default 0
) with (fillfactor = 50);

create index client_tokens_expires on client_tokens (expires_at);

alter table uploads add column client_token text collate "C";

-- Searches by metadata; most uploads of most apps have some, and it never changes.
create index uploads_metadata on uploads using gin (metadata jsonb_path_ops) where metadata <> '{}'::jsonb;
