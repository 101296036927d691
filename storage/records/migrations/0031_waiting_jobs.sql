-- A job that waits says so once, and one that waits for a gate that is away is not claimed until that is back.
-- oldest_program: 0029

-- Since when its postponements have spent no attempt; null: the last one did, or there was none.
alter table jobs add column waiting_since timestamptz;
-- The gate that it was not tried against; null: none. Gateways that do not know the column claim the job when it is due.
alter table jobs add column held_by text collate "C";

create index jobs_held on jobs (held_by, run_at, id) where held_by is not null;
