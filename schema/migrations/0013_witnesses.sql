-- Others who sign the ledger's heads (docs/witnesses.md): whom this system asks, and what they signed.

-- Each witness that a server was set to ask, and how it stands with it.
CREATE TABLE daylight.ledger_witness (
    -- its verifier key, name+hash+base64
    key            text COLLATE "C" PRIMARY KEY,
    name           text COLLATE "C" NOT NULL,
    -- size of the last head that it is known to have signed: from where it is asked to go on
    known_size     bigint NOT NULL DEFAULT 0 CHECK (known_size >= 0),
    state          text NOT NULL DEFAULT 'unasked' CHECK (state IN ('unasked', 'agreeing', 'unreachable', 'misconfigured', 'refusing')),
    -- why it did not sign
    reason         text,
    -- since when it stands so
    since          timestamptz NOT NULL DEFAULT now(),
    cosigned_size  bigint,
    cosigned_at    timestamptz,
    -- the server that asks it now: one at a time, so that all witnesses are asked for the same heads
    claimed_by     uuid,
    claimed_until  timestamptz NOT NULL DEFAULT '-infinity'
);

-- Lines of signature for heads, as they stand in notes.
CREATE TABLE daylight.ledger_cosignature (
    size         bigint NOT NULL REFERENCES daylight.ledger_checkpoint,
    key          text COLLATE "C" NOT NULL,
    line         text NOT NULL,
    cosigned_at  timestamptz NOT NULL,
    PRIMARY KEY (size, key)
);

CREATE VIEW published.ledger_witness AS SELECT key, name, state, reason, since, cosigned_size, cosigned_at FROM daylight.ledger_witness;
CREATE VIEW published.ledger_cosignature AS SELECT size, key, line, cosigned_at FROM daylight.ledger_cosignature;
