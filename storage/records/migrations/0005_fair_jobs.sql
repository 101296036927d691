-- Jobs are dealt fairly among the clients of an app, and a file that ran out of time waits until nobody else does.

-- Who the work is for, within the app: the client token that the upload was made with; empty for the app itself, and for rows
-- of a gateway that does not know the column.
alter table jobs add column party text collate "C" not null default '';
-- Ran out of time once: claimed when no other upload is ready.
alter table jobs add column patient boolean not null default false;

update jobs j set party = u.client_token from uploads u where u.id = j.upload_id and u.client_token is not null;

create index jobs_parties on jobs (app, kind, party, run_at, id) where lease_token is null and not patient;
create index jobs_patient on jobs (run_at, id) where lease_token is null and patient;
