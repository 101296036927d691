-- Every change of a row that a promise is about, written by the transaction that makes it: which transaction, whose, from what
-- to what. For tests alone.
create schema if not exists witness;

create table if not exists witness.changes (
    n        bigint generated always as identity primary key,
    at       timestamptz not null default clock_timestamp(),
    txid     bigint not null default txid_current(),
    actor    text not null default current_setting('application_name'),
    of       text not null,
    was      jsonb,
    becomes  jsonb
);

create or replace function witness.chosen(given jsonb, names text[]) returns jsonb language sql immutable as
$$ select jsonb_object_agg(key, value) from jsonb_each(given) where key = any(names) $$;

create or replace function witness.note() returns trigger language plpgsql as
$$
declare
    before jsonb := case when tg_op <> 'INSERT' then witness.chosen(to_jsonb(old), tg_argv) end;
    after  jsonb := case when tg_op <> 'DELETE' then witness.chosen(to_jsonb(new), tg_argv) end;
begin
    if before is distinct from after then
        insert into witness.changes (of, was, becomes) values (tg_table_name, before, after);
    end if;
    return null;
end
$$;

create or replace trigger witness after insert or update or delete on uploads for each row
    execute function witness.note('id', 'state', 'generation', 'pinned_etag', 'image_key', 'image_sha256', 'sequence');
-- lease_until alone changes with each heartbeat, so a lease's end is noted only where something else changes with it.
create or replace trigger witness after insert or delete or update of lease_token, given_back, generation, attempt, detail on jobs
    for each row execute function witness.note('id', 'subject_id', 'generation', 'kind', 'attempt', 'crashes', 'lease_token',
                                               'lease_until');
create or replace trigger witness after insert or delete or update of state, attempts on callbacks
    for each row execute function witness.note('id', 'subject_id', 'type', 'sequence', 'state', 'attempts');
create or replace trigger witness after insert or delete or update of state, key, sha256 on images
    for each row execute function witness.note('upload_id', 'role', 'spec_key', 'key', 'sha256', 'state');
create or replace trigger witness after insert on inbox for each row execute function witness.note('event_id');
create or replace trigger witness after insert or delete or update on resumables for each row
    execute function witness.note('upload_id', 'beginning', 'epoch', 'received', 'length', 'state');
create or replace trigger witness after insert or delete on chunks for each row
    execute function witness.note('upload_id', 'beginning', 'first', 'size', 'epoch');
create or replace trigger witness after insert or delete or update of state on packages for each row
    execute function witness.note('id', 'mode', 'state');
