-- A job knows where its bytes are: a worker takes the jobs of a region that is near first, and none of one that is down.

-- The upload's region; empty where the subject has none. By a trigger, so that what a gateway inserts that does not know the
-- column has it too.
alter table jobs add column region text collate "C" not null default '';

create function place_job() returns trigger
    language plpgsql as
$$
begin
    if new.subject_kind = 'upload' and new.region = '' then
        new.region := coalesce((select u.region from uploads u where u.id = new.subject_id), '');
    end if;
    return new;
end
$$;
create trigger jobs_place before insert on jobs for each row execute function place_job();

update jobs j set region = u.region from uploads u where j.subject_kind = 'upload' and u.id = j.subject_id;

-- As jobs_parties and jobs_ready, which a gateway uses that does not know the column.
create index jobs_parties_of_region on jobs (app, kind, region, party, run_at, id) where lease_token is null and not patient;
create index jobs_ready_of_region on jobs (app, kind, region, run_at, id) where lease_token is null and not patient;
