-- An entry of the catalogue. The description is the document that the department put; columns that are filtered on are generated from it,
-- so there is one truth.
CREATE TABLE daylight.dataset (
    id                text COLLATE "C" PRIMARY KEY CHECK (id ~ '^[a-z0-9][a-z0-9-]{1,99}$'),
    -- names the tables data.d<number>, published.d<number>
    number            integer GENERATED ALWAYS AS IDENTITY UNIQUE,
    department        text COLLATE "C" NOT NULL REFERENCES daylight.department,
    state             text NOT NULL DEFAULT 'draft' CHECK (state IN ('draft', 'published', 'withdrawn')),
    revision          integer NOT NULL DEFAULT 1,
    description       jsonb NOT NULL,
    -- the resolved shape of the rows: the profile's, or the dataset's own
    schema            jsonb NOT NULL,
    profile_id        text COLLATE "C",
    profile_version   integer,
    mapping           jsonb,
    mapping_revision  integer NOT NULL DEFAULT 0,
    current_version   integer,
    row_count         bigint,
    released_at       timestamptz,
    withdrawal        uuid,
    created_at        timestamptz NOT NULL DEFAULT now(),
    updated_at        timestamptz NOT NULL DEFAULT now(),
    title_zh          text COLLATE "C" GENERATED ALWAYS AS (description -> 'title' ->> 'zh') STORED,
    title_en          text COLLATE "C" GENERATED ALWAYS AS (description -> 'title' ->> 'en') STORED,
    theme             text COLLATE "C" GENERATED ALWAYS AS (description ->> 'theme') STORED,
    region            text COLLATE "C" GENERATED ALWAYS AS (description ->> 'region') STORED,
    share_type        text COLLATE "C" GENERATED ALWAYS AS (description ->> 'share_type') STORED,
    resource_code     text COLLATE "C" GENERATED ALWAYS AS (description ->> 'resource_code') STORED UNIQUE,
    -- what search looks in (folded title, abstract, keywords) and its bigrams
    search_text       text COLLATE "C" NOT NULL DEFAULT '',
    search            tsvector NOT NULL DEFAULT ''::tsvector,
    FOREIGN KEY (profile_id, profile_version) REFERENCES daylight.profile
);
CREATE INDEX dataset_search ON daylight.dataset USING gin (search) WITH (fastupdate = off);
CREATE INDEX dataset_order ON daylight.dataset (released_at DESC, id) WHERE state = 'published';
CREATE INDEX dataset_department ON daylight.dataset (department);

-- Why something can no longer be seen. Never deleted.
CREATE TABLE daylight.withdrawal (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    dataset       text COLLATE "C" NOT NULL REFERENCES daylight.dataset,
    subject       text NOT NULL CHECK (subject IN ('dataset', 'version', 'rows')),
    version       integer,
    keys          text[] NOT NULL DEFAULT '{}',
    reason_zh     text NOT NULL,
    reason_en     text,
    legal_basis   text,
    withdrawn_by  uuid REFERENCES daylight.access_key,
    withdrawn_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX withdrawal_dataset ON daylight.withdrawal (dataset, withdrawn_at);
ALTER TABLE daylight.dataset ADD FOREIGN KEY (withdrawal) REFERENCES daylight.withdrawal;

-- The states of rows that were withdrawn: kept for the department, out of every public table.
CREATE TABLE daylight.withdrawn_row (
    dataset     text COLLATE "C" NOT NULL REFERENCES daylight.dataset,
    key         text COLLATE "C" NOT NULL,
    since       integer NOT NULL,
    until       integer,
    state       jsonb NOT NULL,
    withdrawal  uuid NOT NULL REFERENCES daylight.withdrawal,
    PRIMARY KEY (dataset, key, since)
);
