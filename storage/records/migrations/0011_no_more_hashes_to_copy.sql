-- What the step before kept for itself.
drop table picture_hashes_copied;
