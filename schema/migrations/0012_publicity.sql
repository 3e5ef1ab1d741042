-- Publicity: rows leave public view when their time has come, and what left for good does not come back.

-- Why, as a word of a closed list; NULL where it was withdrawn before there was one.
ALTER TABLE daylight.withdrawal ADD COLUMN reason_code text COLLATE "C"
    CHECK (reason_code IN ('error', 'expired', 'repaired', 'revoked_by_reconsideration', 'court', 'personal_data', 'other'));

-- The key's values as PostgreSQL spells them in text: by these a later push is recognised.
ALTER TABLE daylight.withdrawn_row ADD COLUMN key_values text[] COLLATE "C";
CREATE INDEX withdrawn_row_values ON daylight.withdrawn_row (dataset, key_values);

-- The next instant at which a row of it has to leave public view.
ALTER TABLE daylight.dataset ADD COLUMN expires_at timestamptz;
CREATE INDEX dataset_expires ON daylight.dataset (expires_at) WHERE expires_at IS NOT NULL;

-- Of what is released already it is found out at once.
UPDATE daylight.dataset d SET expires_at = 'epoch'
FROM daylight.version v JOIN daylight.profile p ON p.id = v.profile_id AND p.version = v.profile_version
WHERE d.state = 'published' AND v.dataset = d.id AND v.number = d.current_version AND jsonb_typeof(p.document -> 'publicity_window') = 'object';

-- Rows of a push whose publicity has ended: they are no part of what is released, and leave with the release where they are public.
CREATE TABLE daylight.ended_row (
    push         uuid NOT NULL REFERENCES daylight.push,
    key_values   text[] COLLATE "C" NOT NULL,
    reason_code  text COLLATE "C" NOT NULL,
    PRIMARY KEY (push, key_values)
);

-- Work that one node does for all: who does it, until when nobody else may.
CREATE TABLE daylight.job (
    name         text COLLATE "C" PRIMARY KEY,
    holder       uuid NOT NULL,
    held_until   timestamptz NOT NULL
);

CREATE OR REPLACE VIEW published.dataset AS
SELECT id, number, department, state, revision, description, schema, profile_id, profile_version, current_version, row_count, released_at, withdrawal,
       created_at, updated_at, title_zh, title_en, theme, region, share_type, resource_code, expires_at
FROM daylight.dataset
WHERE state IN ('published', 'withdrawn');

CREATE OR REPLACE VIEW published.withdrawal AS
SELECT id, dataset, subject, version, keys, reason_zh, reason_en, legal_basis, withdrawn_at, reason_code FROM daylight.withdrawal;
