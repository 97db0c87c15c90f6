-- How long Kanca had run, in all its processes, when the outage began (microseconds): a clock that is set forward must not
-- make it seem long.
ALTER TABLE outages ADD COLUMN running INTEGER NOT NULL DEFAULT 0;
