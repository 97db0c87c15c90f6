-- Options of endpoints and projects. Each is one JSON text, because no query asks for a part of it; the options that are
-- secrets are sealed JSON. The table of endpoints is made anew: a CHECK cannot be changed, and there are more formats.

ALTER TABLE projects ADD COLUMN options TEXT NOT NULL DEFAULT '{}';

CREATE TABLE new_endpoints (
    id              BLOB NOT NULL PRIMARY KEY,
    project_id      BLOB NOT NULL,
    name            TEXT NOT NULL,
    url             TEXT NOT NULL,
    event_types     TEXT,
    format          INTEGER NOT NULL CHECK (format BETWEEN 0 AND 5),
    ordering        INTEGER NOT NULL CHECK (ordering BETWEEN 0 AND 1),
    status          INTEGER NOT NULL CHECK (status BETWEEN 0 AND 2),
    disabled_reason TEXT,
    inbox_id        BLOB,
    sealed_secret   BLOB NOT NULL,
    sealed_headers  BLOB NOT NULL,
    options         TEXT NOT NULL DEFAULT '{}',
    sealed_options  BLOB NOT NULL DEFAULT x'',
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    deleted_at      INTEGER,
    CHECK (deleted_at IS NULL OR (url = '' AND length(sealed_secret) = 0 AND length(sealed_headers) = 0
                                  AND options = '{}' AND length(sealed_options) = 0))
) STRICT, WITHOUT ROWID;

INSERT INTO new_endpoints (id, project_id, name, url, event_types, format, ordering, status, disabled_reason, inbox_id,
                           sealed_secret, sealed_headers, created_at, updated_at, deleted_at)
SELECT id, project_id, name, url, event_types, format, ordering, status, disabled_reason, inbox_id,
       sealed_secret, sealed_headers, created_at, updated_at, deleted_at
FROM endpoints;

DROP TABLE endpoints;
ALTER TABLE new_endpoints RENAME TO endpoints;
