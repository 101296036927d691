-- Wake-ups between gateways, and whether the server still serves.

-- name: ping
select current_setting('transaction_read_only') as read_only;

-- name: notify
select pg_notify($1, $2), current_setting('transaction_read_only') as read_only;
