-- People, their credentials, and their sign-ins. Times are milliseconds since 1970, ids sixteen bytes.

CREATE TABLE users (
    id            BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    phone         TEXT    UNIQUE,
    username      TEXT    UNIQUE,
    display_name  TEXT    NOT NULL,
    avatar_url    TEXT,
    password_hash TEXT,
    role          TEXT    NOT NULL CHECK (role IN ('USER', 'ADMIN')),
    disabled      INTEGER NOT NULL CHECK (disabled IN (0, 1)),
    created_at    INTEGER NOT NULL,
    last_seen     INTEGER,
    privacy       TEXT    NOT NULL
) STRICT, WITHOUT ROWID;

-- Only sessions that were not ended; an expired one stays until it is pruned.
CREATE TABLE sessions (
    id           BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    user_id      BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    device_name  TEXT,
    created_at   INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    cookie       BLOB    UNIQUE
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_by_user ON sessions (user_id, created_at);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Hashes of refresh tokens. A used one stays until it expires, so that its reuse is noticed.
CREATE TABLE refresh_tokens (
    hash       BLOB    NOT NULL PRIMARY KEY,
    session_id BLOB    NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    used       INTEGER NOT NULL CHECK (used IN (0, 1)),
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);
CREATE INDEX refresh_tokens_by_expiry ON refresh_tokens (expires_at);

-- Sessions whose access tokens may still live although they were ended. No reference to a user: a deleted
-- person's tokens are refused too.
CREATE TABLE ended_sessions (
    id         BLOB    NOT NULL PRIMARY KEY,
    ended_at   INTEGER NOT NULL,
    forget_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX ended_sessions_by_time ON ended_sessions (ended_at);
CREATE INDEX ended_sessions_by_end ON ended_sessions (forget_at);
