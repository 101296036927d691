-- The ETag of the original where it is kept, if it is another than the one that was uploaded: a copy of an object that came in parts has
-- another, and so has every object that the store encrypts with keys of its own (SSE-KMS).
alter table uploads add column kept_etag text;
