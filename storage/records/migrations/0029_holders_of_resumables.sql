-- Which gateway receives the bytes of a resumable upload, so that another one can ask it to store what it has. Empty: none, or one
-- that does not know the column.
alter table resumables add column holder text not null default '';
