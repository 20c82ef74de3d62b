-- Whom people have as contacts, the presence that they chose, and who is gone.

-- One row for each contact of an owner. Both ends go with the person.
CREATE TABLE contacts (
    owner      BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    contact    BLOB    NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    alias      TEXT,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (owner, contact)
) STRICT, WITHOUT ROWID;

CREATE INDEX contacts_by_contact ON contacts (contact, owner);

ALTER TABLE users ADD COLUMN chosen_status TEXT;

-- People who were deleted: nothing of them but the id. What they wrote is erased from the conversations behind
-- the deletion; until that is done, `erased` is 0.
CREATE TABLE deleted_people (
    id         BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
    deleted_at INTEGER NOT NULL,
    erased     INTEGER NOT NULL CHECK (erased IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE INDEX deleted_people_unerased ON deleted_people (deleted_at) WHERE erased = 0;
