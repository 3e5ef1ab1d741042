-- The exchange: what departments ask of one another, what they were given, what was delivered and what they signed for. docs/exchange.md.

-- Views of what a grant gives, one per grant; each asks itself whether its grant still runs. daylight_exchange can select from them and from nothing else.
CREATE SCHEMA granted;

-- Public keys (Ed25519) with which departments sign for what they got. History: a key is revoked, never removed.
CREATE TABLE daylight.receipt_key (
    id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    department     text COLLATE "C" NOT NULL REFERENCES daylight.department,
    public_key     bytea NOT NULL CHECK (octet_length(public_key) = 32),
    label          text NOT NULL,
    registered_by  uuid NOT NULL REFERENCES daylight.access_key,
    registered_at  timestamptz NOT NULL DEFAULT now(),
    revoked_at     timestamptz,
    reason         text,
    UNIQUE (department, public_key)
);

CREATE TABLE daylight.share_request (
    id                uuid PRIMARY KEY,
    dataset           text COLLATE "C" NOT NULL REFERENCES daylight.dataset,
    provider          text COLLATE "C" NOT NULL REFERENCES daylight.department,
    receiver          text COLLATE "C" NOT NULL REFERENCES daylight.department,
    state             text NOT NULL CHECK (state IN ('submitted', 'supplementing', 'escalated', 'refused', 'negotiating', 'referred', 'dismissed', 'withdrawn',
                                                     'granted', 'delivering', 'disposing', 'ended')),
    -- fields, filter, purpose, until: what is asked for
    terms             jsonb NOT NULL,
    legal_basis       text NOT NULL,
    scenario          text NOT NULL,
    method            text NOT NULL CHECK (method IN ('pull', 'push', 'file')),
    clock             text CHECK (clock IN ('answer', 'supplement', 'negotiation', 'decision', 'delivery', 'disposal')),
    clock_started_at  timestamptz,
    due_at            timestamptz,
    due_provisional   boolean NOT NULL DEFAULT false,
    late              boolean NOT NULL DEFAULT false,
    supplement_asked  boolean NOT NULL DEFAULT false,
    reason            text,
    revision          integer NOT NULL DEFAULT 1,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    CHECK ((clock IS NULL) = (due_at IS NULL) AND (clock IS NULL) = (clock_started_at IS NULL)),
    CHECK (provider <> receiver)
);
CREATE INDEX share_request_provider ON daylight.share_request (provider, created_at DESC, id DESC);
CREATE INDEX share_request_receiver ON daylight.share_request (receiver, created_at DESC, id DESC);
CREATE INDEX share_request_created ON daylight.share_request (created_at DESC, id DESC);
CREATE INDEX share_request_due ON daylight.share_request (due_at) WHERE due_at IS NOT NULL;

-- What happened to a request, in order. Only added to.
CREATE TABLE daylight.share_event (
    request     uuid NOT NULL REFERENCES daylight.share_request,
    number      integer NOT NULL CHECK (number > 0),
    event       text NOT NULL,
    state       text NOT NULL,
    department  text COLLATE "C" REFERENCES daylight.department,
    key_id      uuid REFERENCES daylight.access_key,
    note        text,
    at          timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (request, number)
);

CREATE TABLE daylight.share_grant (
    id            uuid PRIMARY KEY,
    -- names the view granted.g<number>
    number        integer GENERATED ALWAYS AS IDENTITY UNIQUE,
    request       uuid NOT NULL UNIQUE REFERENCES daylight.share_request,
    dataset       text COLLATE "C" NOT NULL REFERENCES daylight.dataset,
    provider      text COLLATE "C" NOT NULL REFERENCES daylight.department,
    receiver      text COLLATE "C" NOT NULL REFERENCES daylight.department,
    -- fields, filter, purpose as they were given; the end is expires_at
    terms         jsonb NOT NULL,
    method        text NOT NULL CHECK (method IN ('pull', 'push', 'file')),
    -- the version that stood when it was given: nothing older can be read by it
    from_version  integer NOT NULL,
    granted_at    timestamptz NOT NULL DEFAULT now(),
    expires_at    timestamptz NOT NULL,
    ended_at      timestamptz,
    -- the ledger's leaf, by its hash
    leaf          bytea NOT NULL CHECK (octet_length(leaf) = 32)
);
CREATE INDEX share_grant_receiver ON daylight.share_grant (receiver, granted_at DESC, id DESC);
CREATE INDEX share_grant_provider ON daylight.share_grant (provider, granted_at DESC, id DESC);
CREATE INDEX share_grant_expiry ON daylight.share_grant (expires_at) WHERE ended_at IS NULL;

-- One transfer: the state of a version (from_version 0), or what changed between two versions.
CREATE TABLE daylight.delivery (
    id            uuid PRIMARY KEY,
    grant_id      uuid NOT NULL REFERENCES daylight.share_grant,
    from_version  integer NOT NULL CHECK (from_version >= 0),
    to_version    integer NOT NULL CHECK (to_version >= from_version),
    -- SHA-256, rows and bytes of what was sent; NULL until the last byte of it was handed to the network
    digest        text COLLATE "C" CHECK (digest ~ '^[0-9a-f]{64}$'),
    row_count     bigint,
    byte_count    bigint,
    started_at    timestamptz NOT NULL DEFAULT now(),
    finished_at   timestamptz
);
CREATE INDEX delivery_grant ON daylight.delivery (grant_id, started_at DESC, id DESC);

-- The receiver's signature for a delivery.
CREATE TABLE daylight.receipt (
    delivery     uuid PRIMARY KEY REFERENCES daylight.delivery,
    grant_id     uuid NOT NULL REFERENCES daylight.share_grant,
    to_version   integer NOT NULL,
    key_id       uuid NOT NULL REFERENCES daylight.receipt_key,
    -- what was signed, byte for byte
    statement    bytea NOT NULL,
    signature    bytea NOT NULL CHECK (octet_length(signature) = 64),
    received_at  timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    leaf         bytea NOT NULL CHECK (octet_length(leaf) = 32)
);
CREATE INDEX receipt_grant ON daylight.receipt (grant_id, to_version DESC);

-- Every call that reads granted data: who, on whose behalf, for what, how much. Only added to.
CREATE TABLE daylight.share_access (
    number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    grant_id    uuid NOT NULL REFERENCES daylight.share_grant,
    key_id      uuid NOT NULL REFERENCES daylight.access_key,
    department  text COLLATE "C" NOT NULL,
    purpose     text NOT NULL,
    -- rows, data, changes
    path        text NOT NULL,
    version     integer NOT NULL,
    delivery    uuid REFERENCES daylight.delivery,
    row_count   bigint,
    at          timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX share_access_grant ON daylight.share_access (grant_id, number DESC);

-- Which request a write with an Idempotency-Key became, so that its retry does nothing twice.
CREATE TABLE daylight.share_idempotency (
    key_id       uuid NOT NULL REFERENCES daylight.access_key,
    key          text COLLATE "C" NOT NULL,
    -- SHA-256 of path and body
    fingerprint  text COLLATE "C" NOT NULL,
    request      uuid NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (key_id, key)
);
CREATE INDEX share_idempotency_age ON daylight.share_idempotency (created_at);

-- Grants and receipts are found by the hash of their leaf.
CREATE INDEX ledger_leaf_committed ON daylight.ledger_leaf (hash) WHERE kind IN ('grant', 'receipt');
