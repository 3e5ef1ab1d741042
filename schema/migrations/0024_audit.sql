-- The audit: every call on the exchange, in one table that is only added to, and what the ledger says of it. docs/exchange.md.

CREATE TABLE daylight.exchange_call (
    number        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- by the database's clock, so that what the ledger says of a time holds
    at            timestamptz NOT NULL DEFAULT clock_timestamp(),
    request       text NOT NULL,
    -- begun: granted data is about to be given; ended: the call was answered
    stage         text NOT NULL CHECK (stage IN ('begun', 'ended')),
    operation     text NOT NULL,
    target        text,
    -- NULL for strangers, who are refused
    key_id        uuid REFERENCES daylight.access_key,
    department    text COLLATE "C",
    grant_id      uuid REFERENCES daylight.share_grant,
    purpose       text,
    path          text CHECK (path IN ('rows', 'data', 'changes', 'file')),
    from_version  integer,
    version       integer,
    delivery      uuid REFERENCES daylight.delivery,
    -- key values of the row before a page, and of its last one
    after_key     text[] COLLATE "C",
    last_key      text[] COLLATE "C",
    row_count     bigint,
    byte_count    bigint,
    status        integer,
    code          text,
    calls         integer NOT NULL DEFAULT 1 CHECK (calls > 0),
    -- makes an entry's hash say nothing about the entry
    nonce         uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO daylight.exchange_call (at, request, stage, operation, key_id, department, grant_id, purpose, path, version, delivery, row_count)
SELECT at, '-', 'begun', 'GET /v1/exchange/grants/{grant}/' || CASE path WHEN 'data' THEN 'data.csv' ELSE path END, key_id, department, grant_id, purpose, path, version, delivery, row_count
FROM daylight.share_access ORDER BY number;
DROP TABLE daylight.share_access;
CREATE INDEX exchange_call_grant ON daylight.exchange_call (grant_id, number DESC) WHERE grant_id IS NOT NULL;
CREATE INDEX exchange_call_department ON daylight.exchange_call (department, number DESC);
CREATE INDEX exchange_call_delivery ON daylight.exchange_call (delivery) WHERE delivery IS NOT NULL;
CREATE INDEX exchange_call_at ON daylight.exchange_call (at);

-- What the ledger says of the calls of some time. The times follow one another without a gap.
CREATE TABLE daylight.audit_seal (
    number        integer PRIMARY KEY,
    from_at       timestamptz NOT NULL,
    until_at      timestamptz NOT NULL CHECK (until_at >= from_at),
    first_number  bigint,
    last_number   bigint,
    entries       bigint NOT NULL,
    digest        text COLLATE "C" NOT NULL CHECK (digest ~ '^[0-9a-f]{64}$'),
    leaf          bytea NOT NULL CHECK (octet_length(leaf) = 32)
);
CREATE INDEX ledger_leaf_audit ON daylight.ledger_leaf (hash) WHERE kind = 'audit';
