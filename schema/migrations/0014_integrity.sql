-- The check of what is stored against the ledger: how far it has come, and what it found.

CREATE TABLE daylight.integrity_round (
    number       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    started_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    -- the version that was looked at last: it goes on behind it
    dataset      text COLLATE "C",
    version      integer,
    versions     bigint NOT NULL DEFAULT 0,
    skipped      bigint NOT NULL DEFAULT 0,
    bytes        bigint NOT NULL DEFAULT 0
);

CREATE TABLE daylight.integrity_finding (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       text NOT NULL CHECK (kind IN ('rows', 'record', 'ledger')),
    dataset    text COLLATE "C" REFERENCES daylight.dataset,
    version    integer,
    keys       text[] NOT NULL DEFAULT '{}',
    precision  text CHECK (precision IN ('row', 'block', 'version')),
    leaf       bigint,
    found_at   timestamptz NOT NULL DEFAULT now(),
    seen_at    timestamptz NOT NULL DEFAULT now(),
    closed_at  timestamptz
);
CREATE UNIQUE INDEX integrity_finding_open ON daylight.integrity_finding (kind, dataset, version) WHERE closed_at IS NULL;

CREATE VIEW published.integrity_round AS SELECT number, started_at, finished_at, versions, skipped, bytes FROM daylight.integrity_round;

-- What stands open, of datasets that everybody can see.
CREATE VIEW published.integrity_finding AS
SELECT f.id, f.kind, f.dataset, f.version, f.keys, f.precision, f.leaf, f.found_at, f.seen_at
FROM daylight.integrity_finding f LEFT JOIN daylight.dataset d ON d.id = f.dataset
WHERE f.closed_at IS NULL AND (f.dataset IS NULL OR d.state = 'published');

-- When the values of a withdrawn row were erased for good; its state is empty then.
ALTER TABLE daylight.withdrawn_row ADD COLUMN erased_at timestamptz;
