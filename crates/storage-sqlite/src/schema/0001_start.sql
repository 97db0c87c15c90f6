-- The first schema.
--
-- Ids are the 16 bytes of their UUIDv7, so the order of a key is the order of time. Instants are INTEGER microseconds
-- since the Unix epoch; only `events.timestamp`, which is delivered, is RFC 3339 text, because it must not lose a digit.
-- There are no foreign keys: the few places where rows go together say so in one transaction, and a check for each
-- delivery would cost more than it could find.

CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row: the greatest millisecond in any id ever stored, raised once for each commit.
CREATE TABLE newest_id (
    one    INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    millis INTEGER NOT NULL
) STRICT;
INSERT INTO newest_id VALUES (1, 0);

-- One row that `probe` rewrites to see whether the disk takes writes.
CREATE TABLE probe (
    one    INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
    filler BLOB NOT NULL
) STRICT;
INSERT INTO probe VALUES (1, randomblob(32768));

CREATE TABLE projects (
    id         BLOB NOT NULL PRIMARY KEY,
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    id            BLOB NOT NULL PRIMARY KEY,
    email         TEXT NOT NULL UNIQUE,
    password_hash TEXT NOT NULL,
    created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    token_hash BLOB NOT NULL PRIMARY KEY,
    id         BLOB NOT NULL,
    user_id    BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_of_user ON sessions (user_id);

CREATE TABLE api_keys (
    id           BLOB NOT NULL PRIMARY KEY,
    project_id   BLOB NOT NULL,
    name         TEXT NOT NULL,
    hint         TEXT NOT NULL,
    key_hash     BLOB NOT NULL UNIQUE,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;

-- A deleted endpoint stays as a tombstone with its last name and nothing else, because its deliveries stay readable.
CREATE TABLE endpoints (
    id              BLOB NOT NULL PRIMARY KEY,
    project_id      BLOB NOT NULL,
    name            TEXT NOT NULL,
    url             TEXT NOT NULL,
    event_types     TEXT,
    format          INTEGER NOT NULL CHECK (format BETWEEN 0 AND 2),
    ordering        INTEGER NOT NULL CHECK (ordering BETWEEN 0 AND 1),
    status          INTEGER NOT NULL CHECK (status BETWEEN 0 AND 2),
    disabled_reason TEXT,
    inbox_id        BLOB,
    sealed_secret   BLOB NOT NULL,
    sealed_headers  BLOB NOT NULL,
    created_at      INTEGER NOT NULL,
    updated_at      INTEGER NOT NULL,
    deleted_at      INTEGER,
    CHECK (deleted_at IS NULL OR (url = '' AND length(sealed_secret) = 0 AND length(sealed_headers) = 0))
) STRICT, WITHOUT ROWID;

-- Rows are large, so this is a rowid table: a new event is appended, and its keys lie in the two small indexes.
CREATE TABLE events (
    id              BLOB NOT NULL,
    project_id      BLOB NOT NULL,
    type            TEXT NOT NULL,
    timestamp       TEXT NOT NULL,
    accepted_at     INTEGER NOT NULL,
    hops            INTEGER NOT NULL,
    ordering_key    TEXT,
    idempotency_key TEXT,
    explanation     TEXT,
    data            TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_of_project ON events (project_id, id);
CREATE INDEX events_of_type ON events (project_id, type, id);

CREATE TABLE idempotency (
    project_id  BLOB NOT NULL,
    key         TEXT NOT NULL,
    event_id    BLOB NOT NULL,
    fingerprint BLOB NOT NULL,
    accepted_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_age ON idempotency (accepted_at);

-- pending (0) → delivered (1) | failed (2) | cancelled (3); a manual attempt takes an ended one back to pending and
-- remembers what it was before. The checks are the state machine of domain::deliveries.
CREATE TABLE deliveries (
    id                 BLOB NOT NULL PRIMARY KEY,
    project_id         BLOB NOT NULL,
    event_id           BLOB NOT NULL,
    endpoint_id        BLOB NOT NULL,
    status             INTEGER NOT NULL,
    held               INTEGER NOT NULL,
    manual             INTEGER NOT NULL,
    due                INTEGER,
    steps_used         INTEGER NOT NULL,
    attempt_count      INTEGER NOT NULL,
    created_at         INTEGER NOT NULL,
    completed_at       INTEGER,
    prior_status       INTEGER,
    prior_completed_at INTEGER,
    queue_key          TEXT,
    waiter             TEXT,
    -- One expression, so that only the branch that matters is evaluated: this is the hottest table.
    CHECK (CASE status
        WHEN 0 THEN completed_at IS NULL AND CASE
            WHEN held = 1   THEN due IS NULL AND manual = 0 AND queue_key IS NOT NULL AND prior_status IS NULL
            WHEN manual = 0 THEN held = 0 AND due IS NOT NULL AND prior_status IS NULL AND prior_completed_at IS NULL
            WHEN manual = 1 THEN held = 0 AND due IS NOT NULL AND prior_status BETWEEN 1 AND 2
                                 AND prior_completed_at IS NOT NULL AND queue_key IS NULL
            ELSE 0 END
        ELSE status BETWEEN 1 AND 3 AND completed_at IS NOT NULL AND due IS NULL AND held = 0 AND manual = 0
             AND prior_status IS NULL
        END)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_of_event ON deliveries (event_id);
CREATE INDEX deliveries_of_endpoint ON deliveries (endpoint_id, id);
-- What most deliveries never enter: those that ended otherwise than by arriving.
CREATE INDEX deliveries_not_arrived ON deliveries (endpoint_id, status, id) WHERE status >= 2;
-- Pending work only: these two shrink to nothing when everything has arrived.
CREATE INDEX deliveries_due ON deliveries (endpoint_id, due, id) WHERE due IS NOT NULL;
CREATE INDEX deliveries_queued ON deliveries (endpoint_id, queue_key, id) WHERE status = 0 AND queue_key IS NOT NULL;

-- Exact numbers of deliveries by status, changed once for each commit and touched endpoint.
CREATE TABLE delivery_counts (
    project_id  BLOB NOT NULL,
    endpoint_id BLOB NOT NULL,
    pending     INTEGER NOT NULL CHECK (pending >= 0),
    delivered   INTEGER NOT NULL CHECK (delivered >= 0),
    failed      INTEGER NOT NULL CHECK (failed >= 0),
    cancelled   INTEGER NOT NULL CHECK (cancelled >= 0),
    PRIMARY KEY (project_id, endpoint_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE attempts (
    id               BLOB NOT NULL,
    delivery_id      BLOB NOT NULL,
    number           INTEGER NOT NULL,
    started_at       INTEGER NOT NULL,
    duration_us      INTEGER NOT NULL,
    success          INTEGER NOT NULL,
    manual           INTEGER NOT NULL,
    format           INTEGER NOT NULL,
    reason_code      TEXT NOT NULL,
    reason           TEXT NOT NULL,
    request          TEXT NOT NULL,
    response_status  INTEGER,
    truncated        INTEGER,
    response_headers TEXT,
    response_body    BLOB
) STRICT;
CREATE INDEX attempts_of_delivery ON attempts (delivery_id);

CREATE TABLE inboxes (
    id                    BLOB NOT NULL PRIMARY KEY,
    project_id            BLOB NOT NULL,
    name                  TEXT NOT NULL,
    slug                  TEXT NOT NULL UNIQUE,
    response              TEXT NOT NULL,
    sealed_signing_secret BLOB NOT NULL,
    created_at            INTEGER NOT NULL,
    updated_at            INTEGER NOT NULL,
    request_count         INTEGER NOT NULL CHECK (request_count >= 0),
    bytes                 INTEGER NOT NULL CHECK (bytes >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE requests (
    id               BLOB NOT NULL,
    inbox_id         BLOB NOT NULL,
    received_at      INTEGER NOT NULL,
    method           TEXT NOT NULL,
    target           BLOB NOT NULL,
    content_type     TEXT,
    size             INTEGER NOT NULL,
    kept_bytes       INTEGER NOT NULL,
    remote_addr      TEXT NOT NULL,
    oversize         INTEGER NOT NULL,
    response_status  INTEGER NOT NULL,
    duration_us      INTEGER NOT NULL,
    signature        INTEGER NOT NULL CHECK (signature BETWEEN 0 AND 3),
    signature_detail TEXT,
    event_type       TEXT,
    headers          BLOB NOT NULL,
    body             BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX requests_of_inbox ON requests (inbox_id, id);

CREATE TABLE bots (
    id                     BLOB NOT NULL PRIMARY KEY,
    project_id             BLOB NOT NULL,
    name                   TEXT NOT NULL,
    language               TEXT NOT NULL,
    allowed_origins        TEXT NOT NULL,
    active_scenario_id     BLOB,
    sealed_identity_secret BLOB NOT NULL,
    created_at             INTEGER NOT NULL,
    updated_at             INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE scenarios (
    id             BLOB NOT NULL,
    project_id     BLOB NOT NULL,
    bot_id         BLOB NOT NULL,
    name           TEXT NOT NULL,
    draft_revision INTEGER NOT NULL,
    version_id     BLOB,
    number         INTEGER,
    published_at   INTEGER,
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    draft          TEXT NOT NULL,
    CHECK ((version_id IS NULL) = (number IS NULL) AND (version_id IS NULL) = (published_at IS NULL))
) STRICT;
CREATE UNIQUE INDEX scenarios_of_project ON scenarios (project_id, id);
CREATE INDEX scenarios_of_bot ON scenarios (bot_id, id);

-- `number` is null for the version behind a test conversation.
CREATE TABLE versions (
    id          BLOB NOT NULL,
    project_id  BLOB NOT NULL,
    bot_id      BLOB NOT NULL,
    scenario_id BLOB NOT NULL,
    number      INTEGER,
    created_at  INTEGER NOT NULL,
    document    TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX versions_by_id ON versions (id);
CREATE UNIQUE INDEX versions_of_scenario ON versions (scenario_id, number) WHERE number IS NOT NULL;
CREATE INDEX versions_of_tests ON versions (scenario_id) WHERE number IS NULL;

CREATE TABLE contacts (
    id          BLOB NOT NULL,
    project_id  BLOB NOT NULL,
    bot_id      BLOB NOT NULL,
    external_id TEXT,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    attributes  TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX contacts_by_id ON contacts (id);
CREATE UNIQUE INDEX contacts_by_external_id ON contacts (bot_id, external_id) WHERE external_id IS NOT NULL;

CREATE TABLE conversations (
    id            BLOB NOT NULL,
    project_id    BLOB NOT NULL,
    bot_id        BLOB NOT NULL,
    scenario_id   BLOB NOT NULL,
    version_id    BLOB NOT NULL,
    contact_id    BLOB NOT NULL,
    token_hash    BLOB NOT NULL,
    ended         INTEGER NOT NULL CHECK (ended BETWEEN 0 AND 1),
    test          INTEGER NOT NULL CHECK (test BETWEEN 0 AND 1),
    revision      INTEGER NOT NULL,
    last_seq      INTEGER NOT NULL,
    processed_seq INTEGER NOT NULL,
    message_count INTEGER NOT NULL,
    timer_due     INTEGER,
    timer_token   INTEGER,
    block_id      TEXT,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    state         TEXT NOT NULL,
    CHECK ((timer_due IS NULL) = (timer_token IS NULL))
) STRICT;
CREATE UNIQUE INDEX conversations_by_id ON conversations (id);
CREATE INDEX conversations_of_project ON conversations (project_id, id);
CREATE INDEX conversations_of_bot ON conversations (bot_id, id);
CREATE INDEX conversations_of_version ON conversations (version_id);
CREATE INDEX conversations_since ON conversations (project_id, created_at);
CREATE INDEX conversations_open ON conversations (project_id, id) WHERE ended = 0;
CREATE INDEX conversations_timers ON conversations (timer_due, id) WHERE ended = 0 AND timer_due IS NOT NULL;

CREATE TABLE messages (
    id              BLOB NOT NULL,
    conversation_id BLOB NOT NULL,
    seq             INTEGER NOT NULL,
    sender          INTEGER NOT NULL CHECK (sender BETWEEN 0 AND 3),
    block_id        TEXT,
    client_id       TEXT,
    created_at      INTEGER NOT NULL,
    extra           TEXT,
    text            TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX messages_of_conversation ON messages (conversation_id, seq);
CREATE UNIQUE INDEX messages_by_client_id ON messages (conversation_id, client_id) WHERE client_id IS NOT NULL;
