-- Signed calls on the exchange (RFC 9421). docs/exchange.md.

-- Which nonce of which key was used, for as long as a signature with it would be taken.
CREATE TABLE daylight.signature_nonce (
    key_id   uuid NOT NULL REFERENCES daylight.receipt_key,
    nonce    text COLLATE "C" NOT NULL,
    used_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (key_id, nonce)
);
CREATE INDEX signature_nonce_age ON daylight.signature_nonce (used_at);

-- Departments that want their writes signed.
CREATE TABLE daylight.signing_rule (
    department  text COLLATE "C" PRIMARY KEY REFERENCES daylight.department,
    required    boolean NOT NULL,
    set_by      uuid NOT NULL REFERENCES daylight.access_key,
    set_at      timestamptz NOT NULL DEFAULT now()
);

-- The receiver's signed call that began a delivery: what was signed, word for word. Only added to.
CREATE TABLE daylight.delivery_call (
    delivery   uuid PRIMARY KEY REFERENCES daylight.delivery,
    key_id     uuid NOT NULL REFERENCES daylight.receipt_key,
    base       text NOT NULL,
    signature  bytea NOT NULL CHECK (octet_length(signature) = 64)
);
