-- Rows that another node gives to a department of this one by a grant (回流): each grant's in a table of its own, received.g<number>, for nobody but that department. docs/nodes.md.
CREATE SCHEMA received;

CREATE TABLE daylight.received_grant (
    -- as the node that gives calls it
    id             uuid PRIMARY KEY,
    -- names its table
    number         integer GENERATED ALWAYS AS IDENTITY UNIQUE,
    url            text COLLATE "C" NOT NULL CHECK (url ~ '^https?://[^/ ]+$'),
    -- the department's access to that node, and the key that signs its calls and receipts; both are forgotten at the end
    access_key     text,
    signing_key    text,
    -- the key of that node's statements about deliveries: the operator's, or the first that it showed
    statement_key  text COLLATE "C",
    -- what the data is read for, as each call says it; the grant's own purpose where it is NULL
    purpose        text,
    -- what the grant says; NULL before the node was asked
    request        uuid,
    department     text COLLATE "C" REFERENCES daylight.department,
    provider       text COLLATE "C",
    dataset        text COLLATE "C",
    title_zh       text,
    title_en       text,
    expires_at     timestamptz,
    -- what is here
    version        integer,
    row_count      bigint NOT NULL DEFAULT 0,
    state          text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'receiving', 'failed', 'ended', 'disposed')),
    reason_zh      text,
    reason_en      text,
    failures       integer NOT NULL DEFAULT 0,
    next_try_at    timestamptz NOT NULL DEFAULT now(),
    added_at       timestamptz NOT NULL DEFAULT now(),
    -- when there was nothing more to take, and when something was taken
    checked_at     timestamptz,
    received_at    timestamptz,
    ended_at       timestamptz,
    disposed_at    timestamptz,
    CHECK (state NOT IN ('ended', 'disposed') OR (access_key IS NULL AND signing_key IS NULL))
);
CREATE INDEX received_grant_department ON daylight.received_grant (department, added_at DESC, id DESC);
