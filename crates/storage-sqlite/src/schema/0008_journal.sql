-- One row: up to where the journal's records are in the tables (see journal.rs). A record of another epoch is old.
CREATE TABLE journal (
    one     INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    epoch   INTEGER NOT NULL,
    applied INTEGER NOT NULL
) STRICT;
INSERT INTO journal VALUES (1, 1, 0);
