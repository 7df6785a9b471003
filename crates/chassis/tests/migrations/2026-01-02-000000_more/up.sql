-- Slow enough for a second process to arrive in the middle.
SELECT pg_sleep(0.3);
ALTER TABLE things ADD COLUMN name text;
