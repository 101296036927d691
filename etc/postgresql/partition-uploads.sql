-- Divides the uploads and the timeline by the time of their ids, without copying a row: what there is becomes one partition, each coming year has
-- its own, and the last one takes the rest. docs/scaling.md says what for, what it costs, and what was tried.
--
--     psql --set=ON_ERROR_STOP=1 --set=cut=2027-01-01 --set=years=3 --dbname="$DATABASE_URL" --file=etc/postgresql/partition-uploads.sql
--
-- `cut`: a moment in the future, from which new uploads go into the partitions of years. Gateways may run: the first and the third step read
-- each table once, beside everything else; the second locks both tables for as long as it takes to change the catalogue, or gives up after five
-- seconds of waiting for its locks, having changed nothing. Run it again then: what was done is not done twice.

set client_min_messages = warning;
select set_config('partition.cut', :'cut', false), set_config('partition.years', :'years', false) \g /dev/null

-- The least id of uploads that are made at that moment or later: the time in milliseconds, 48 bits, as 10 digits to the base of 32.
create or replace function pg_temp.least_upload_id(moment timestamptz) returns text language sql as
$$
    select 'upl_' || string_agg(substr('0123456789abcdefghjkmnpqrstvwxyz', 1 + ((bits >> (45 - 5 * place)) & 31)::integer, 1), '' order by place)
    from (select floor(extract(epoch from moment) * 1000)::bigint << 2 as bits) of_time, generate_series(0, 9) as place
$$;

-- 1. What there is is older than the cut: shown beforehand, so that nothing is read under the lock.
do $$
begin
    if current_setting('partition.cut')::timestamptz < now() + interval '2 minutes' then
        raise exception 'cut has to be in the future';
    end if;
    if exists (select from pg_partitioned_table where partrelid = 'uploads'::regclass) then
        raise exception 'uploads are divided already';
    end if;
    alter table uploads drop constraint if exists uploads_before_cut;
    alter table timeline drop constraint if exists timeline_before_cut;
    execute format('alter table uploads add constraint uploads_before_cut check (id < %L) not valid',
                   pg_temp.least_upload_id(current_setting('partition.cut')::timestamptz));
    execute format('alter table timeline add constraint timeline_before_cut check (subject_id < %L) not valid',
                   pg_temp.least_upload_id(current_setting('partition.cut')::timestamptz));
end
$$;
select format('alter table %s validate constraint %I', conrelid::regclass, conname)
from pg_constraint
where contype = 'c' and conrelid in ('uploads'::regclass, 'timeline'::regclass) and not convalidated \gexec

-- 2. All or nothing.
begin;
set local lock_timeout = '5s';
lock table uploads, timeline in access exclusive mode;

create temporary table referring on commit drop as
select conrelid::regclass as of_table, conname as name, pg_get_constraintdef(oid) as definition
from pg_constraint
where contype = 'f' and confrelid = 'uploads'::regclass;
create temporary table triggers on commit drop as
select tgname as name, pg_get_triggerdef(oid) as definition from pg_trigger where tgrelid = 'uploads'::regclass and not tgisinternal;
create temporary table indexes on commit drop as
select tablename as of_table, indexname as name, indexdef as definition
from pg_indexes
where schemaname = current_schema() and tablename in ('uploads', 'timeline') and indexname not in ('uploads_object', 'uploads_pkey', 'timeline_pkey');

do $$
declare
    each record;
begin
    for each in select * from referring loop
        execute format('alter table %s drop constraint %I', each.of_table, each.name);
    end loop;
    for each in select * from triggers loop
        execute format('drop trigger %I on uploads', each.name);
    end loop;
    for each in select * from indexes loop
        execute format('alter index %I rename to %I', each.name, each.name || '_before');
    end loop;
end
$$;

alter table uploads rename to uploads_before;
alter table timeline rename to timeline_before;
alter index uploads_pkey rename to uploads_before_pkey;
alter index uploads_object rename to uploads_before_object;
alter index timeline_pkey rename to timeline_before_pkey;

create table uploads (like uploads_before including defaults including generated including constraints including storage) partition by range (id);
alter table uploads drop constraint uploads_before_cut;
alter table uploads add primary key (id);
create table timeline (like timeline_before including defaults including constraints including identity) partition by range (subject_id);
alter table timeline drop constraint timeline_before_cut;
select setval(pg_get_serial_sequence('timeline', 'id'), coalesce((select last_value from pg_sequences
    where (quote_ident(schemaname) || '.' || quote_ident(sequencename))::regclass = pg_get_serial_sequence('timeline_before', 'id')::regclass), 1)) \g /dev/null

do $$
declare
    each record;
    beginning timestamptz := current_setting('partition.cut')::timestamptz;
    ending timestamptz;
    name text;
    year integer;
begin
    for each in select * from triggers loop
        execute each.definition;
    end loop;
    for each in select * from indexes loop
        execute each.definition;
    end loop;
    execute format('alter table uploads attach partition uploads_before for values from (minvalue) to (%L)', pg_temp.least_upload_id(beginning));
    execute format('alter table timeline attach partition timeline_before for values from (minvalue) to (%L)', pg_temp.least_upload_id(beginning));
    for year in 0 .. current_setting('partition.years')::integer loop
        ending := beginning + interval '1 year';
        name := case when year < current_setting('partition.years')::integer then to_char(beginning at time zone 'UTC', 'YYYY_MM') else 'later' end;
        execute format('create table %I partition of uploads for values from (%L) to (%s) with (fillfactor = 85)', 'uploads_' || name,
                       pg_temp.least_upload_id(beginning), case when name = 'later' then 'maxvalue' else quote_literal(pg_temp.least_upload_id(ending)) end);
        execute format('create table %I partition of timeline for values from (%L) to (%s)', 'timeline_' || name,
                       pg_temp.least_upload_id(beginning), case when name = 'later' then 'maxvalue' else quote_literal(pg_temp.least_upload_id(ending)) end);
        -- An object is of one upload: its key contains the id, so that a partition is enough to know.
        execute format('create unique index %I on %I (key, bucket)', 'uploads_' || name || '_object', 'uploads_' || name);
        beginning := ending;
    end loop;
    for each in select * from referring loop
        execute format('alter table %s add constraint %I %s not valid', each.of_table, each.name, replace(each.definition, ' NOT VALID', ''));
    end loop;
end
$$;
commit;

-- 3. What refers to uploads is looked through, beside everything else.
select format('alter table %s validate constraint %I', conrelid::regclass, conname)
from pg_constraint
where contype = 'f' and confrelid = 'uploads'::regclass and conparentid = 0 and not convalidated \gexec
