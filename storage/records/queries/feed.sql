-- Everything that became true, in an order that a reader can follow without missing anything.

-- name: rebase_feed
-- In another cluster, or on another timeline, than before, places go on from far beyond any that was given out.
with recursive apps as (
    (select app from callbacks order by app limit 1)
    union all
    select next.app from apps a
    cross join lateral (select c.app from callbacks c where c.app > a.app order by c.app limit 1) next
),
top as (
    select coalesce(max(last.placed), 0) as placed
    from apps a
    cross join lateral (select c.placed from callbacks c where c.app = a.app order by c.placed desc limit 1) last
),
here as (
    select system_identifier::text || ' ' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) as cluster
    from pg_control_system()
)
update feed
set cluster = here.cluster,
    base = case when feed.cluster is null then feed.base
                else greatest(top.placed, feed.base) + (1::bigint << 32) end
from top, here
where feed.cluster is distinct from here.cluster;

-- name: feed_state
-- Below the horizon nothing can appear any more. Read it before the page.
select base + pg_snapshot_xmin(pg_current_snapshot())::text::bigint as horizon, forgotten from feed;

-- name: read_feed
-- $1 app, $2 and $3 after place and id, $4 limit, $5 horizon
select * from callbacks
where app = $1 and (placed, id) > ($2::bigint, $3) and placed < $5::bigint
order by placed, id
limit $4::integer;
