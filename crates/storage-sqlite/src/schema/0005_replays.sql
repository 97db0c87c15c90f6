-- Sending many deliveries again, in small steps that survive a crash; and test events.

-- `work` is JSON of storage::replays::Work. The row goes when the work is done.
CREATE TABLE replays (
    id       BLOB NOT NULL PRIMARY KEY,
    work     TEXT NOT NULL,
    after    BLOB,
    next_due INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- When a delivery was last sent again from the start of its schedule.
ALTER TABLE deliveries ADD COLUMN restarted_at INTEGER;

-- Sent to one endpoint to try it.
ALTER TABLE events ADD COLUMN test INTEGER NOT NULL DEFAULT 0;
