-- Files of granted data, sealed to the receiver's key. docs/exchange.md, "Files".

-- Keys to which files are sealed stand beside those that sign receipts, with the same history.
ALTER TABLE daylight.receipt_key ADD COLUMN use text NOT NULL DEFAULT 'receipt' CHECK (use IN ('receipt', 'encryption'));
CREATE INDEX receipt_key_encryption ON daylight.receipt_key (department, registered_at DESC) WHERE use = 'encryption' AND revoked_at IS NULL;

-- One file: a version's state, or what changed between two, for one key. The file itself is a cache: the seed makes the same bytes again on any server.
CREATE TABLE daylight.sealed_file (
    grant_id       uuid NOT NULL REFERENCES daylight.share_grant,
    from_version   integer NOT NULL CHECK (from_version >= 0),
    to_version     integer NOT NULL CHECK (to_version >= from_version),
    key_id         uuid NOT NULL REFERENCES daylight.receipt_key,
    -- of all that is random in the file; another one for other content
    seed           bytea NOT NULL CHECK (octet_length(seed) = 32),
    -- SHA-256 of what is inside; this and the following are NULL until it was made once
    digest         text COLLATE "C" CHECK (digest ~ '^[0-9a-f]{64}$'),
    sealed_digest  text COLLATE "C" CHECK (sealed_digest ~ '^[0-9a-f]{64}$'),
    sealed_bytes   bigint,
    delivery       uuid REFERENCES daylight.delivery,
    -- when it was begun: what was withdrawn later is still in it
    begun_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (grant_id, from_version, to_version, key_id),
    CHECK ((digest IS NULL) = (delivery IS NULL) AND (digest IS NULL) = (sealed_digest IS NULL) AND (digest IS NULL) = (sealed_bytes IS NULL))
);
CREATE INDEX sealed_file_age ON daylight.sealed_file (begun_at);
