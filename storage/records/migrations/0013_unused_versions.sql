-- Versions that nobody has asked for in a long time are found by when they were last asked for, roughly.
create index images_unused on images ((coalesce(used_at, made_at)), id) where role = 'version' and state = 'live';
