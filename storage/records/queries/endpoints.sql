-- Callback endpoints, each a URL of an app: paused by their 410, resumed, and held back by a breaker while they fail.

-- name: pause_endpoints
-- $1 apps, $2 URLs, $3 now
insert into paused_endpoints (app, url, paused_at)
select distinct app, url, $3::timestamptz from unnest($1::text[], $2::text[]) as t (app, url)
order by app, url
on conflict (app, url) do nothing;

-- name: known_endpoints
-- $1 app or null, $2 URL: the apps, or the one, that have something waiting for it, or something known of it.
with recursive apps as (
    (select app from callbacks where state = 'waiting' and ($1::text is null or app = $1) order by app limit 1)
    union all
    select next.app
    from apps a
    cross join lateral (select c.app from callbacks c where c.state = 'waiting' and c.app > a.app order by c.app limit 1) next
    where $1::text is null
)
select a.app from apps a where exists (select from callbacks c where c.state = 'waiting' and c.app = a.app and c.url = $2)
union
select app from paused_endpoints where url = $2 and ($1::text is null or app = $1)
union
select app from callback_endpoints where url = $2 and ($1::text is null or app = $1)
order by app;

-- name: hold_callbacks
-- $1 apps and $2 their URLs, both null for all that are paused; $3 at most. Claims pass over a paused endpoint whatever is due: this
-- spares them the look.
update callbacks set next_attempt_at = 'infinity'
where state = 'waiting' and id = any (array(
    select c.id
    from paused_endpoints p
    cross join lateral (select id from callbacks
                        where state = 'waiting' and app = p.app and url = p.url and next_attempt_at < 'infinity'
                        limit $3::integer) c
    where $1::text[] is null or (p.app, p.url) in (select app, url from unnest($1::text[], $2::text[]) as t (app, url))
    limit $3::integer
    for key share of p));

-- name: resume_endpoint
delete from paused_endpoints where app = $1 and url = $2;

-- name: unhold_callbacks
-- $1 app, $2 URL, $3 now, $4 at most
update callbacks set next_attempt_at = $3::timestamptz
where state = 'waiting' and next_attempt_at = 'infinity'
  and id = any (array(select id from callbacks where state = 'waiting' and app = $1 and url = $2 and next_attempt_at = 'infinity'
                      limit $4::integer));

-- name: hasten_probe
-- An open breaker tries at once.
update callback_endpoints set open_until = $3::timestamptz where app = $1 and url = $2 and open_until > $3::timestamptz;

-- name: endpoints_answered
-- $1 apps and $2 URLs that took a callback, $3 now, $4 the share of an endpoint that is well. Where the breaker was open, the share
-- grows from one, twofold with each second that brings a success.
with them as materialized (
    select e.app, e.url
    from callback_endpoints e
    join unnest($1::text[], $2::text[]) as t (app, url) on t.app = e.app and t.url = e.url
    order by e.app, e.url
    for update of e
),
grown as (
    select e.app, e.url,
           case when e.share is null then $4::integer
                when e.open_until is not null then 2
                when e.share_since <= $3::timestamptz - interval '1 second' then e.share * 2
                else e.share end as share
    from callback_endpoints e join them t on t.app = e.app and t.url = e.url
),
well as (
    delete from callback_endpoints e using grown g where e.app = g.app and e.url = g.url and g.share >= $4::integer
)
update callback_endpoints e
set failures = 0, open_until = null, share = g.share,
    share_since = case when g.share is distinct from e.share or e.share_since is null then $3::timestamptz else e.share_since end
from grown g
where e.app = g.app and e.url = g.url and g.share < $4::integer;

-- name: endpoints_failed
-- $1 apps, $2 URLs, $3 failures of each in a row, $4 statuses, $5 errors, $6 now, $7 how many open the breaker (0: none do)
-- What was under way when the breaker opened adds nothing.
insert into callback_endpoints as e (app, url, failures, failing_since, last_at, last_status, last_error)
select t.app, t.url, case when $7::integer > 0 then least(t.failures, $7::integer) else t.failures end,
       $6::timestamptz, $6::timestamptz, t.status, t.error
from unnest($1::text[], $2::text[], $3::integer[], $4::integer[], $5::text[]) as t (app, url, failures, status, error)
order by t.app, t.url
on conflict (app, url) do update
set failures = case when e.open_until > $6::timestamptz then e.failures
                    when $7::integer > 0 and e.failures < $7::integer then least($7::integer, e.failures + excluded.failures)
                    when $7::integer > 0 then e.failures + 1
                    else e.failures + excluded.failures end,
    failing_since = case when e.failures = 0 then $6::timestamptz else e.failing_since end,
    last_at = $6::timestamptz, last_status = excluded.last_status, last_error = excluded.last_error,
    share = case when e.share is not null then 1 end,
    share_since = case when e.share is not null then $6::timestamptz end
returning app, url, failures, coalesce(open_until > $6::timestamptz, false) as open;

-- name: open_endpoints
-- $1 apps, $2 URLs, $3 until when, $4 now
update callback_endpoints e set open_until = t.until, share = 1, share_since = $4::timestamptz
from unnest($1::text[], $2::text[], $3::timestamptz[]) as t (app, url, until)
where e.app = t.app and e.url = t.url;

-- name: list_endpoints
-- $1 app or null, $2 and $3 after app and URL, $4 limit
select u.app, u.url, e.failures, e.failing_since, e.last_at, e.last_status, e.last_error, e.open_until, e.share, p.paused_at,
       (select count(*) from (select from callbacks c
                              where c.state = 'waiting' and c.app = u.app and c.url = u.url
                              limit 10000) w) as waiting
from (select app, url from callback_endpoints union select app, url from paused_endpoints) u
left join callback_endpoints e on e.app = u.app and e.url = u.url
left join paused_endpoints p on p.app = u.app and p.url = u.url
where (u.app, u.url) > ($2, $3) and ($1::text is null or u.app = $1)
order by u.app, u.url
limit $4::integer;

-- name: count_endpoints
select (select count(*) from paused_endpoints) as paused,
       (select count(*) from callback_endpoints where open_until is not null) as open,
       (select count(*) from callback_endpoints) as failing;

-- name: bury_callbacks
-- $1 now, $2 due before, $3 failing until after. What a breaker held back for as long as the whole schedule takes, at an endpoint that
-- still fails.
update callbacks set state = 'dead', finished_at = $1::timestamptz, next_attempt_at = null
where state = 'waiting' and lease_token is null and id = any (array(
    select c.id
    from callback_endpoints e
    cross join lateral (select id from callbacks
                        where state = 'waiting' and app = e.app and url = e.url and next_attempt_at < $2::timestamptz
                          and lease_token is null
                        order by next_attempt_at, id
                        limit 2000) c
    where e.open_until is not null and e.failing_since < $2::timestamptz and e.last_at > $3::timestamptz
      and not exists (select from paused_endpoints p where p.app = e.app and p.url = e.url)
    limit 2000));

-- name: forget_endpoints
-- $1 back since before, $2 failed last before. What came back and was left alone since, and what nothing waits for any more.
delete from callback_endpoints e
where (e.open_until is null and e.share is not null and e.share_since < $1::timestamptz)
   or (e.last_at < $2::timestamptz
       and not exists (select from callbacks c where c.state = 'waiting' and c.app = e.app and c.url = e.url));
