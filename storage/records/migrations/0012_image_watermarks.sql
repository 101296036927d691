-- Which watermark a published image carries, so that its versions do not carry it twice; `clean`: none, and it is never given out
-- as it is.
alter table uploads add column image_watermark text collate "C";
