-- Callbacks: written, claimed, attempted, replayed.

-- name: insert_callbacks
-- The lock on a paused endpoint makes who writes and who resumes take turns: nothing is held back after the last look. Without a URL
-- there is nothing to send. $9 seconds from now until each is due.
with paused as materialized (
    select app, url from paused_endpoints
    where (app, url) in (select app, url from unnest($3::text[], $6::text[]) as t (app, url))
    for key share
)
insert into callbacks (id, subject_id, subject_kind, app, type, sequence, url, body, created_at, state, next_attempt_at, finished_at)
select t.id, t.subject_id, case when t.type like 'package.%' then 'package' else 'upload' end, t.app, t.type, t.sequence, t.url, t.body,
       $8::timestamptz,
       case when t.url = '' then 'unsent' else 'waiting' end,
       case when t.url = '' then null
            when exists (select from paused p where p.app = t.app and p.url = t.url) then 'infinity'
            else least($8::timestamptz, now()) + make_interval(secs => t.delay) end,  -- a writer whose clock is ahead delays nothing
       case when t.url = '' then $8::timestamptz end
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $9::bigint[])
    as t (id, subject_id, app, type, sequence, url, body, delay);

-- name: callback_turns
-- The apps in turn, and the URLs of each in turn, behind those that were served last. $1 the app that had the last turn, $2 and $3 for
-- each app the URL that had its last turn, $4 now. A row for each endpoint, and one without a URL for an app that came to its end;
-- with each whether its app is the last of a turn that goes on, and whether more is due than the look of claim_callbacks goes.
with recursive apps as (
    (select app, 1 as place from callbacks where state = 'waiting' and app > $1 order by app limit 1)
    union all
    select next.app, a.place + 1
    from apps a
    cross join lateral (select c.app from callbacks c where c.state = 'waiting' and c.app > a.app order by c.app limit 1) next
    where a.place < 8
),
turns as (
    select a.app, first.url, 1 as place
    from apps a
    left join unnest($2::text[], $3::text[]) as last (app, url) on last.app = a.app
    cross join lateral (select c.url from callbacks c
                        where c.state = 'waiting' and c.app = a.app and c.url > coalesce(last.url, '') order by c.url limit 1) first
    union all
    select t.app, next.url, t.place + 1
    from turns t
    cross join lateral (select c.url from callbacks c
                        where c.state = 'waiting' and c.app = t.app and c.url > t.url order by c.url limit 1) next
    where t.place < 64
)
select a.app, a.place = 8 as goes_on, t.url,
       (select count(*) from (select from callbacks where state = 'waiting' and next_attempt_at <= $4::timestamptz limit 2000) d)
           = 2000 as deep
from apps a
left join turns t on t.app = a.app
order by a.place, t.place;

-- name: claim_callbacks
-- $1 token, $2 lease in seconds, $3 most, $4 per endpoint, $5 now, $6 and $7 the endpoints of callback_turns.
-- Two ways lead to candidates. The oldest due ones, as far as a bounded look goes: all there is, while nothing is behind. And
-- the apps in turn, and the URLs of each in turn: whoever is behind a long queue, or behind an app with very many URLs, is reached all
-- the same. What is held back is skipped: a paused endpoint, one whose breaker is open, one that has its share. The rest is dealt in
-- rounds, one callback of each app in each, so that ten thousand of one app delay another's by one.
with busy as materialized (
    select app, url, count(*) as held from callbacks where lease_token is not null and lease_until >= now() group by app, url
),
held_back as materialized (
    select app, url from busy where held >= $4::bigint
    union all
    select app, url from paused_endpoints
    union all
    select app, url from callback_endpoints where open_until > $5::timestamptz
),
oldest as (
    select d.id, d.app, d.url, d.next_attempt_at
    from (select c.id, c.app, c.url, c.next_attempt_at from callbacks c
          where c.state = 'waiting' and c.next_attempt_at <= $5::timestamptz and (c.lease_token is null or c.lease_until < now())
          order by c.next_attempt_at, c.id
          limit 2000) d
    where not exists (select from held_back h where h.app = d.app and h.url = d.url)
    limit $3::integer * 4
),
in_turn as (
    select due.id, due.app, due.url, due.next_attempt_at
    from (select t.app, t.url from unnest($6::text[], $7::text[]) as t (app, url)
          where not exists (select from held_back h where h.app = t.app and h.url = t.url)) t
    cross join lateral (select c.id, c.app, c.url, c.next_attempt_at from callbacks c
                        where c.state = 'waiting' and c.app = t.app and c.url = t.url and c.next_attempt_at <= $5::timestamptz
                          and (c.lease_token is null or c.lease_until < now())
                        order by c.next_attempt_at, c.id
                        limit $4::integer) due
),
ranked as materialized (
    select c.id, c.app, c.url, c.next_attempt_at, least($4::bigint, coalesce(e.share, $4::bigint)) as share,
           row_number() over (partition by c.app, c.url order by c.next_attempt_at, c.id) + coalesce(b.held, 0) as round
    from (select * from oldest union select * from in_turn) c
    left join busy b on b.app = c.app and b.url = c.url
    left join callback_endpoints e on e.app = c.app and e.url = c.url
),
dealt as materialized (
    select r.id, r.round, r.next_attempt_at,
           row_number() over (partition by r.app order by r.round, r.next_attempt_at, r.id) + coalesce(b.held, 0) as app_round
    from ranked r
    left join (select app, sum(held) as held from busy group by app) b on b.app = r.app
    where r.round <= r.share
),
taken as materialized (
    select c.id, r.round, r.next_attempt_at
    from (select * from dealt order by app_round, round, next_attempt_at, id limit $3::integer * 2) r
    cross join lateral (select * from callbacks
                        where callbacks.id = r.id and callbacks.state = 'waiting'
                          and callbacks.next_attempt_at <= $5::timestamptz
                          and (callbacks.lease_token is null or callbacks.lease_until < now())
                        for update skip locked) c
    limit $3::integer
)
update callbacks c set lease_token = $1, lease_until = now() + make_interval(secs => $2::double precision)
from taken t
where c.id = t.id
returning c.*, t.round,
          (select u.traceparent from uploads u where u.id = c.subject_id) as traceparent,
          (select u.tracestate from uploads u where u.id = c.subject_id) as tracestate;

-- name: callbacks_claimed_before
select c.*, u.traceparent, u.tracestate
from callbacks c left join uploads u on u.id = c.subject_id
where c.lease_token = $1;

-- name: record_attempts
with paused as materialized (
    select app, url from paused_endpoints
    where (app, url) in (select app, url from unnest($10::text[], $11::text[]) as t (app, url))
    for key share
),
input as materialized (
    select * from unnest($1::text[], $2::text[], $3::timestamptz[], $4::integer[], $5::text[], $6::bigint[], $7::text[],
                         $8::text[], $9::timestamptz[])
        as t (callback_id, lease_token, at, status, error, latency_ms, answer, verdict, next_attempt_at)
),
moved as (
    update callbacks c
    set attempts = c.attempts + 1, lease_token = null, lease_until = null,
        state = case i.verdict when 'delivered' then 'delivered' when 'dead' then 'dead' else 'waiting' end,
        finished_at = case when i.verdict in ('delivered', 'dead') then i.at end,
        next_attempt_at = case when i.verdict in ('delivered', 'dead') then null
                               when exists (select from paused p where p.app = c.app and p.url = c.url) then 'infinity'
                               else i.next_attempt_at end
    from input i
    where c.id = i.callback_id and c.lease_token = i.lease_token and c.state = 'waiting'
    returning c.id, i.lease_token
),
logged as (
    insert into callback_attempts (callback_id, lease_token, at, status, error, latency_ms, answer)
    select i.callback_id, i.lease_token, i.at, i.status, i.error, i.latency_ms, i.answer
    from input i join moved m on m.id = i.callback_id and m.lease_token = i.lease_token
)
select id, lease_token from moved;

-- name: attempts_recorded_before
-- After a COMMIT whose answer was lost.
select a.callback_id as id, a.lease_token
from unnest($1::text[], $2::text[]) as ours (callback_id, lease_token)
join callback_attempts a on a.callback_id = ours.callback_id and a.lease_token = ours.lease_token;

-- name: find_callback
select * from callbacks where id = $1 and ($2::text is null or app = $2) for update;

-- name: replay_callbacks
update callbacks set state = 'waiting', attempts = 0, next_attempt_at = $2::timestamptz, finished_at = null,
                     lease_token = null, lease_until = null
where id = any($1::text[]);

-- name: callbacks_in_range
-- $1 after id, $2 since, $3 until or null, $4 state, $5 app or null, $6 type or null, $7 URL or null, $8 limit
-- Erased ones are passed over, they can not be sent as they were; and those that had no URL.
select id, app, url from callbacks
where id > $1 and created_at >= $2::timestamptz and ($3::timestamptz is null or created_at < $3::timestamptz) and state = $4
  and ($5::text is null or app = $5) and ($6::text is null or type = $6) and ($7::text is null or url = $7)
  and body <> '' and url <> ''
order by id
limit $8::integer
for update;

-- name: dead_callbacks_in_range
-- The same of the dead, who have an index of their own.
select id, app, url from callbacks
where state = 'dead' and id > $1 and created_at >= $2::timestamptz and ($3::timestamptz is null or created_at < $3::timestamptz)
  and state = $4 and ($5::text is null or app = $5) and ($6::text is null or type = $6) and ($7::text is null or url = $7)
  and body <> '' and url <> ''
order by id
limit $8::integer
for update;

-- name: list_callbacks
-- $1 app, $2 state, $3 before id, all nullable; $4 limit
select * from callbacks
where ($1::text is null or app = $1) and ($2::text is null or state = $2) and ($3::text is null or id < $3)
order by id desc
limit $4::integer;

-- name: list_dead_callbacks
select * from callbacks
where state = 'dead' and ($1::text is null or app = $1) and state = $2 and ($3::text is null or id < $3)
order by id desc
limit $4::integer;

-- name: list_callbacks_of_subject
-- $5 an upload's id or a package's
select * from callbacks
where subject_id = $5 and ($1::text is null or app = $1) and ($2::text is null or state = $2) and ($3::text is null or id < $3)
order by id desc
limit $4::integer;

-- name: read_callback
select * from callbacks where id = $1 and ($2::text is null or app = $2);

-- name: attempts_of
-- $1 callbacks, $2 the newest so many of each
select a.* from unnest($1::text[]) as asked (callback_id)
cross join lateral (select * from callback_attempts where callback_attempts.callback_id = asked.callback_id
                    order by at desc limit $2::integer) a;
