-- A callback endpoint belongs to an app: what one app does to a URL, and what a URL does to one app, is not another app's concern.
-- And the processes that hold leases are known, so that a lease of one that has died need not run out.
--
-- Gateways of the older schema fail from here on and have to be stopped first.

-- A pause goes to every app that has callbacks for the URL. The state of a breaker is forgotten: it is learnt again within seconds.
create table paused_of_apps as
select distinct c.app, p.url, p.paused_at from paused_endpoints p join callbacks c on c.url = p.url;
delete from paused_endpoints;
alter table paused_endpoints
    add column app text collate "C" not null,
    drop constraint paused_endpoints_pkey,
    add primary key (app, url);
insert into paused_endpoints (app, url, paused_at) select app, url, paused_at from paused_of_apps;
drop table paused_of_apps;

delete from callback_endpoints;
alter table callback_endpoints
    add column app text collate "C" not null,
    drop constraint callback_endpoints_pkey,
    add primary key (app, url);

create index callbacks_endpoint on callbacks (app, url, next_attempt_at, id) where state = 'waiting';
drop index callbacks_url;
drop index callbacks_leased;
create index callbacks_leased on callbacks (app, url) where lease_token is not null;

-- Every lease token begins with the prefix of the process that holds it. `machine` is the boot of a machine and a namespace of
-- process ids; only a process of the same can look for `pid`.
create table processes (
    prefix      text collate "C" primary key,
    machine     text collate "C" not null,
    pid         bigint not null,
    started     bigint not null,  -- clock ticks from the machine's boot to the start of the process
    seen_at     timestamptz not null default now()
);
create index processes_machine on processes (machine);
