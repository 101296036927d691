-- Callback URLs: paused by their 410, resumed, and held back by a breaker while they fail.

-- name: pause_endpoints
insert into paused_endpoints (url, paused_at) select distinct url, $2::timestamptz from unnest($1::text[]) as t (url)
order by url
on conflict (url) do nothing;

-- name: hold_callbacks
-- $1 URLs, null for all that are paused; $2 at most. Claims pass over a paused URL whatever is due: this spares them the look.
update callbacks set next_attempt_at = 'infinity'
where id = any (array(
    select c.id
    from paused_endpoints p
    cross join lateral (select id from callbacks
                        where state = 'waiting' and url = p.url and next_attempt_at < 'infinity'
                        limit $2::integer) c
    where $1::text[] is null or p.url = any($1::text[])
    limit $2::integer
    for key share of p));

-- name: resume_endpoint
delete from paused_endpoints where url = $1;

-- name: unhold_callbacks
-- $1 URL, $2 now, $3 at most
update callbacks set next_attempt_at = $2::timestamptz
where id = any (array(select id from callbacks where state = 'waiting' and url = $1 and next_attempt_at = 'infinity'
                      limit $3::integer));

-- name: hasten_probes
-- An open breaker tries at once.
update callback_endpoints set open_until = $2::timestamptz where url = any($1::text[]) and open_until > $2::timestamptz;

-- name: endpoints_answered
-- $1 URLs that took a callback, $2 now, $3 the share of a URL that is well. Where the breaker was open, the share grows from one,
-- twofold with each second that brings a success.
with them as materialized (
    select url from callback_endpoints where url = any($1::text[]) order by url for update
),
grown as (
    select e.url,
           case when e.share is null then $3::integer
                when e.open_until is not null then 2
                when e.share_since <= $2::timestamptz - interval '1 second' then e.share * 2
                else e.share end as share
    from callback_endpoints e join them t on t.url = e.url
),
well as (
    delete from callback_endpoints e using grown g where e.url = g.url and g.share >= $3::integer
)
update callback_endpoints e
set failures = 0, open_until = null, share = g.share,
    share_since = case when g.share is distinct from e.share or e.share_since is null then $2::timestamptz else e.share_since end
from grown g
where e.url = g.url and g.share < $3::integer;

-- name: endpoints_failed
-- $1 URLs, $2 failures of each in a row, $3 statuses, $4 errors, $5 now, $6 how many open the breaker (0: none do)
-- What was under way when the breaker opened adds nothing.
insert into callback_endpoints as e (url, failures, failing_since, last_at, last_status, last_error)
select t.url, case when $6::integer > 0 then least(t.failures, $6::integer) else t.failures end,
       $5::timestamptz, $5::timestamptz, t.status, t.error
from unnest($1::text[], $2::integer[], $3::integer[], $4::text[]) as t (url, failures, status, error)
order by t.url
on conflict (url) do update
set failures = case when e.open_until > $5::timestamptz then e.failures
                    when $6::integer > 0 and e.failures < $6::integer then least($6::integer, e.failures + excluded.failures)
                    when $6::integer > 0 then e.failures + 1
                    else e.failures + excluded.failures end,
    failing_since = case when e.failures = 0 then $5::timestamptz else e.failing_since end,
    last_at = $5::timestamptz, last_status = excluded.last_status, last_error = excluded.last_error,
    share = case when e.share is not null then 1 end,
    share_since = case when e.share is not null then $5::timestamptz end
returning url, failures, coalesce(open_until > $5::timestamptz, false) as open;

-- name: open_endpoints
-- $1 URLs, $2 until when, $3 now
update callback_endpoints e set open_until = t.until, share = 1, share_since = $3::timestamptz
from unnest($1::text[], $2::timestamptz[]) as t (url, until)
where e.url = t.url;

-- name: list_endpoints
-- $1 app or null, $2 the app's own URL, $3 after, $4 limit. An app sees its own URL, and those it has something waiting for.
select u.url, e.failures, e.failing_since, e.last_at, e.last_status, e.last_error, e.open_until, e.share, p.paused_at,
       (select count(*) from (select from callbacks c
                              where c.state = 'waiting' and c.url = u.url and ($1::text is null or c.app = $1)
                              limit 10000) w) as waiting
from (select url from callback_endpoints union select url from paused_endpoints) u
left join callback_endpoints e on e.url = u.url
left join paused_endpoints p on p.url = u.url
where u.url > $3
  and ($1::text is null or u.url = $2
       or exists (select from callbacks c where c.state = 'waiting' and c.url = u.url and c.app = $1))
order by u.url
limit $4::integer;

-- name: knows_endpoint
-- $1 app or null, $2 URL: whether it is one that the app, or anybody, has something waiting for.
select exists (select from callbacks where state = 'waiting' and url = $2 and ($1::text is null or app = $1))
    or ($1::text is null and (exists (select from paused_endpoints where url = $2)
                              or exists (select from callback_endpoints where url = $2))) as known;

-- name: count_endpoints
select (select count(*) from paused_endpoints) as paused,
       (select count(*) from callback_endpoints where open_until is not null) as open,
       (select count(*) from callback_endpoints) as failing;

-- name: bury_callbacks
-- $1 now, $2 due before, $3 failing until after. What a breaker held back for as long as the whole schedule takes, at a URL that
-- still fails.
update callbacks set state = 'dead', finished_at = $1::timestamptz, next_attempt_at = null
where state = 'waiting' and lease_token is null and id = any (array(
    select c.id
    from callback_endpoints e
    cross join lateral (select id from callbacks
                        where state = 'waiting' and url = e.url and next_attempt_at < $2::timestamptz and lease_token is null
                        order by next_attempt_at, id
                        limit 2000) c
    where e.open_until is not null and e.failing_since < $2::timestamptz and e.last_at > $3::timestamptz
      and not exists (select from paused_endpoints p where p.url = e.url)
    limit 2000));

-- name: forget_endpoints
-- $1 back since before, $2 failed last before. What came back and was left alone since, and what nothing waits for any more.
delete from callback_endpoints e
where (e.open_until is null and e.share is not null and e.share_since < $1::timestamptz)
   or (e.last_at < $2::timestamptz and not exists (select from callbacks c where c.state = 'waiting' and c.url = e.url));
