-- The ledger: an append-only log of what was published, as a Merkle tree (RFC 6962) whose head is signed. docs/ledger.md describes what its entries say.

-- Entries whose transaction has written them and that have no place in the log yet. Emptied within a second, in the transaction that gives them their place.
CREATE TABLE daylight.ledger_pending (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind     text COLLATE "C" NOT NULL,
    dataset  text COLLATE "C",
    version  integer,
    entry    bytea NOT NULL CHECK (octet_length(entry) <= 65535)
);

-- The leaves, from 0 without gaps. Nobody updates or deletes one.
CREATE TABLE daylight.ledger_leaf (
    index    bigint PRIMARY KEY CHECK (index >= 0),
    kind     text COLLATE "C" NOT NULL,
    dataset  text COLLATE "C",
    version  integer,
    entry    bytea NOT NULL,
    hash     bytea NOT NULL CHECK (octet_length(hash) = 32)
);
CREATE UNIQUE INDEX ledger_leaf_release ON daylight.ledger_leaf (dataset, version) WHERE kind = 'release';

-- The hash of each full tile: node `index` of level `level` is the head of the 256^level leaves from index * 256^level on. Level 0 is ledger_leaf.hash.
CREATE TABLE daylight.ledger_node (
    level  smallint NOT NULL CHECK (level > 0),
    index  bigint NOT NULL CHECK (index >= 0),
    hash   bytea NOT NULL CHECK (octet_length(hash) = 32),
    PRIMARY KEY (level, index)
);

-- Every head that was ever signed, as it was published.
CREATE TABLE daylight.ledger_checkpoint (
    size       bigint PRIMARY KEY CHECK (size >= 0),
    head       bytea NOT NULL CHECK (octet_length(head) = 32),
    note       text NOT NULL,
    signed_at  timestamptz NOT NULL DEFAULT now()
);

-- What opens the salted digests in leaves. Without its salt a digest says nothing: deleting one here takes back what its leaf could ever tell.
CREATE TABLE daylight.ledger_salt (
    subject  uuid PRIMARY KEY,
    salt     bytea NOT NULL CHECK (octet_length(salt) = 32)
);

-- What signs the heads: the seed of an Ed25519 key (RFC 8032), 32 bytes.
INSERT INTO daylight.secret (name, value)
VALUES ('ledger', sha256(gen_random_uuid()::text::bytea || gen_random_uuid()::text::bytea || gen_random_uuid()::text::bytea));

CREATE VIEW published.ledger_leaf AS SELECT index, kind, dataset, version, entry, hash FROM daylight.ledger_leaf;
CREATE VIEW published.ledger_node AS SELECT level, index, hash FROM daylight.ledger_node;
CREATE VIEW published.ledger_checkpoint AS SELECT size, head, note, signed_at FROM daylight.ledger_checkpoint;
