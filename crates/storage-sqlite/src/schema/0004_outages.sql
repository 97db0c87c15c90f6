-- Endpoints that do nothing but fail, and since when (microseconds): a restart must not make an outage seem new.
CREATE TABLE outages (
    endpoint_id BLOB NOT NULL PRIMARY KEY,
    since       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
