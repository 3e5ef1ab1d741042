CREATE TABLE daylight.push (
    id               uuid PRIMARY KEY,
    dataset          text COLLATE "C" NOT NULL REFERENCES daylight.dataset,
    department       text COLLATE "C" NOT NULL REFERENCES daylight.department,
    mode             text NOT NULL CHECK (mode IN ('replace', 'upsert', 'append')),
    state            text NOT NULL CHECK (state IN ('receiving', 'checking', 'checked', 'rejected', 'ready', 'approved', 'refused', 'scheduled',
                                                    'released', 'unchanged', 'failed')),
    dry_run          boolean NOT NULL,
    policy           text NOT NULL CHECK (policy IN ('strict', 'quarantine')),
    key_id           uuid REFERENCES daylight.access_key,
    -- the shape, mapping and profile that it was checked against
    schema           jsonb NOT NULL,
    profile_id       text COLLATE "C",
    profile_version  integer,
    mapping          jsonb,
    record_count     bigint NOT NULL DEFAULT 0,
    row_count        bigint NOT NULL DEFAULT 0,
    rejected_count   bigint NOT NULL DEFAULT 0,
    error_count      bigint NOT NULL DEFAULT 0,
    warning_count    bigint NOT NULL DEFAULT 0,
    byte_count       bigint NOT NULL DEFAULT 0,
    -- SHA-256 of the canonical CSV of the checked rows (public fields), and of the body as it came
    digest           text COLLATE "C",
    content_digest   text COLLATE "C",
    canonical_bytes  bigint,
    -- what a release would do, counted when the push was checked
    added            bigint,
    changed          bigint,
    removed          bigint,
    base_version     integer,
    version          integer,
    release_at       timestamptz,
    reason_zh        text,
    reason_en        text,
    received_at      timestamptz NOT NULL DEFAULT now(),
    updated_at       timestamptz NOT NULL DEFAULT now(),
    -- which server process works on it, and the last sign of life: a push whose server died is failed by the next one that looks
    worker           uuid,
    heartbeat_at     timestamptz
);
CREATE INDEX push_dataset ON daylight.push (dataset, received_at DESC);
CREATE INDEX push_scheduled ON daylight.push (release_at) WHERE state = 'scheduled';
CREATE INDEX push_running ON daylight.push (heartbeat_at) WHERE state IN ('receiving', 'checking');

CREATE TABLE daylight.finding (
    push        uuid NOT NULL REFERENCES daylight.push,
    number      integer NOT NULL,
    code        text COLLATE "C" NOT NULL,
    severity    text NOT NULL CHECK (severity IN ('error', 'warning')),
    line        bigint,
    field       text,
    value       text,
    message_zh  text NOT NULL,
    message_en  text,
    PRIMARY KEY (push, number)
);

-- How often each code was found, also beyond the findings that are kept.
CREATE TABLE daylight.finding_count (
    push      uuid NOT NULL REFERENCES daylight.push,
    code      text COLLATE "C" NOT NULL,
    severity  text NOT NULL,
    count     bigint NOT NULL,
    PRIMARY KEY (push, code, severity)
);

-- Records that a quarantine push left out, as they came (decoded to UTF-8). Line 0 holds the header.
CREATE TABLE daylight.rejected_record (
    push    uuid NOT NULL REFERENCES daylight.push,
    line    bigint NOT NULL,
    record  text NOT NULL,
    PRIMARY KEY (push, line)
);

CREATE TABLE daylight.review (
    id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    push         uuid NOT NULL REFERENCES daylight.push,
    decision     text NOT NULL CHECK (decision IN ('pass', 'refuse', 'refer')),
    legal_basis  text NOT NULL,
    note         text,
    digest       text COLLATE "C" NOT NULL,
    reviewer     uuid NOT NULL REFERENCES daylight.access_key,
    reviewed_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX review_push ON daylight.review (push, reviewed_at);

CREATE TABLE daylight.version (
    dataset          text COLLATE "C" NOT NULL REFERENCES daylight.dataset,
    number           integer NOT NULL CHECK (number > 0),
    digest           text COLLATE "C" NOT NULL,
    row_count        bigint NOT NULL,
    added            bigint NOT NULL,
    changed          bigint NOT NULL,
    removed          bigint NOT NULL,
    byte_count       bigint NOT NULL,
    schema           jsonb NOT NULL,
    profile_id       text COLLATE "C",
    profile_version  integer,
    department       text COLLATE "C" NOT NULL REFERENCES daylight.department,
    push             uuid REFERENCES daylight.push,
    released_by      uuid REFERENCES daylight.access_key,
    released_at      timestamptz NOT NULL DEFAULT now(),
    withdrawal       uuid REFERENCES daylight.withdrawal,
    PRIMARY KEY (dataset, number)
);

-- Answers to requests that carried an Idempotency-Key, so that a retry gets the same one.
CREATE TABLE daylight.idempotency (
    key_id       uuid NOT NULL REFERENCES daylight.access_key,
    key          text COLLATE "C" NOT NULL,
    -- SHA-256 of method, path and query; and of the body, as soon as it is known
    fingerprint  text COLLATE "C" NOT NULL,
    content      text COLLATE "C",
    push         uuid,
    status       integer,
    body         text,
    created_at   timestamptz NOT NULL DEFAULT now(),
    finished_at  timestamptz,
    PRIMARY KEY (key_id, key)
);
CREATE INDEX idempotency_age ON daylight.idempotency (created_at);
CREATE INDEX idempotency_push ON daylight.idempotency (push);
