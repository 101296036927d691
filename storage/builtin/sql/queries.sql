-- name: begin_read
begin;
-- name: begin_write
begin immediate;
-- name: commit
commit;
-- name: rollback
rollback;

-- name: fact
select value from facts where name = ?1;
-- name: set_fact
insert into facts (name, value) values (?1, ?2) on conflict (name) do update set value = excluded.value;

-- name: bucket
select id from buckets where name = ?1;
-- name: buckets
select name, created from buckets order by name;
-- name: add_bucket
insert into buckets (name, created) values (?1, ?2);
-- name: remove_bucket
delete from buckets where id = ?1;
-- name: bucket_used
select exists (select 1 from objects where bucket = ?1);
-- name: waste_parts_of_bucket
insert or ignore into garbage (body, content)
select p.body, p.body from parts p join uploads u on u.id = p.upload where u.bucket = ?1;
-- name: remove_parts_of_bucket
delete from parts where upload in (select id from uploads where bucket = ?1);
-- name: remove_uploads_of_bucket
delete from uploads where bucket = ?1;
-- name: remove_completions_of_bucket
delete from completions where bucket = ?1;
-- name: remove_documents_of_bucket
delete from bucket_documents where bucket = ?1;
-- name: document
select document from bucket_documents where bucket = ?1 and name = ?2;
-- name: documents
select b.name, d.document from bucket_documents d join buckets b on b.id = d.bucket where d.name = ?1;
-- name: set_document
insert into bucket_documents (bucket, name, document) values (?1, ?2, ?3)
on conflict (bucket, name) do update set document = excluded.document;
-- name: remove_document
delete from bucket_documents where bucket = ?1 and name = ?2;
-- name: rules
select rules from buckets where id = ?1;
-- name: all_rules
select name, rules from buckets where rules is not null;
-- name: set_rules
update buckets set rules = ?2 where id = ?1;

-- name: object
select etag, size, modified, sequence, content, part_count, checksum, headers from objects where bucket = ?1 and key = ?2;
-- name: object_by_name
select o.etag, o.size, o.modified, o.sequence, o.content, o.part_count, o.checksum, o.headers
from objects o
where o.bucket = (select id from buckets where name = ?1) and o.key = ?2;
-- name: state
-- What a condition looks at, and what a replacement leaves behind.
select etag, content, part_count from objects where bucket = ?1 and key = ?2;
-- name: put_object
insert into objects (bucket, key, etag, size, modified, sequence, content, part_count, checksum, headers)
values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
on conflict (bucket, key) do update
    set etag = excluded.etag, size = excluded.size, modified = excluded.modified, sequence = excluded.sequence,
        content = excluded.content, part_count = excluded.part_count, checksum = excluded.checksum, headers = excluded.headers;
-- name: set_headers
update objects set headers = ?3 where bucket = ?1 and key = ?2;
-- name: remove_object
delete from objects where bucket = ?1 and key = ?2;
-- name: list
select key, etag, size, modified, headers from objects where bucket = ?1 and key >= ?2 and key < ?3 order by key;
-- name: usage
select count(*), coalesce(sum(size), 0)
from (select size from objects where bucket = ?1 and key >= ?2 and key < ?3 limit 100000);

-- name: segments
select body, size, md5 from segments where content = ?1 order by number;
-- name: add_segment
insert into segments (content, number, body, size, md5) values (?1, ?2, ?3, ?4, ?5);
-- name: waste_segments
insert or ignore into garbage (body, content) select body, content from segments where content = ?1;
-- name: remove_segments
delete from segments where content = ?1;

-- name: add_upload
insert into uploads (bucket, key, name, started, checksum, headers) values (?1, ?2, ?3, ?4, ?5, ?6);
-- name: upload
select id, started, checksum, headers from uploads where bucket = ?1 and key = ?2 and name = ?3;
-- name: uploads
select key, name, started, checksum, headers from uploads
where bucket = ?1 and key >= ?2 and key < ?3 and (key > ?4 or (key = ?4 and name > ?5))
order by key, name;
-- name: uploads_before
select id from uploads where started < ?1 limit ?2;
-- name: remove_upload
delete from uploads where id = ?1;
-- name: completion
select etag, size, checksum from completions where bucket = ?1 and key = ?2 and name = ?3;
-- name: add_completion
insert or replace into completions (bucket, key, name, etag, size, checksum, completed) values (?1, ?2, ?3, ?4, ?5, ?6, ?7);
-- name: remove_completions_before
delete from completions where completed < ?1;
-- name: part
select body from parts where upload = ?1 and number = ?2;
-- name: put_part
insert or replace into parts (upload, number, body, size, md5, modified, checksum) values (?1, ?2, ?3, ?4, ?5, ?6, ?7);
-- name: parts
select number, body, size, md5, modified, checksum from parts where upload = ?1 and number > ?2 order by number limit ?3;
-- name: waste_parts
insert or ignore into garbage (body, content) select body, body from parts where upload = ?1;
-- name: keep_chosen_parts
delete from garbage where body in (select body from segments where content = ?1);
-- name: remove_parts
delete from parts where upload = ?1;

-- name: waste
insert or ignore into garbage (body, content) values (?1, ?2);
-- name: garbage
select body, content from garbage;
-- name: remove_garbage
delete from garbage where body = ?1;
-- name: bodies_between
-- For the sweep after a crash: all that is referred to, of the bodies numbered so.
select content from objects where part_count = 0 and content >= ?1 and content < ?2
union all
select body from segments where body >= ?1 and body < ?2
union all
select body from parts where body >= ?1 and body < ?2;
