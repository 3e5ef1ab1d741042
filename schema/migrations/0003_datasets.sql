-- The texts of a list in one text; nothing for anything else.
CREATE FUNCTION daylight.joined(list jsonb, separator text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN jsonb_typeof(list) = 'array' THEN (SELECT string_agg(item, separator) FROM jsonb_array_elements_text(list) AS item) END
$$;

-- What search looks in: title, keywords, abstract, titles of the data items that are public, one line each. Search folds it itself.
CREATE FUNCTION daylight.search_text(description jsonb, schema jsonb) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT string_agg(translate(line, E'\n\r', '  '), E'\n' ORDER BY place)
    FROM (VALUES
        (1, COALESCE(description -> 'title' ->> 'zh', '') || ' | ' || COALESCE(description -> 'title' ->> 'en', '')),
        (2, COALESCE(daylight.joined(description -> 'keywords', ' | '), '')),
        (3, COALESCE(description -> 'abstract' ->> 'zh', '') || ' | ' || COALESCE(description -> 'abstract' ->> 'en', '')),
        (4, COALESCE((SELECT string_agg(COALESCE(f -> 'title' ->> 'zh', '') || ' | ' || COALESCE(f -> 'title' ->> 'en', ''), ' | ')
                      FROM jsonb_array_elements(CASE WHEN jsonb_typeof(schema -> 'fields') = 'array' THEN schema -> 'fields' ELSE '[]' END) AS f
                      WHERE f ->> 'visibility' = 'public'), ''))
    ) AS lines (place, line)
$$;

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
    openness          text COLLATE "C" GENERATED ALWAYS AS (description ->> 'openness') STORED,
    update_cycle      text COLLATE "C" GENERATED ALWAYS AS (description ->> 'update_cycle') STORED,
    formats           text COLLATE "C" GENERATED ALWAYS AS (daylight.joined(description -> 'formats', ',')) STORED,
    temporal_from     text COLLATE "C" GENERATED ALWAYS AS (description ->> 'temporal_from') STORED,
    temporal_to       text COLLATE "C" GENERATED ALWAYS AS (description ->> 'temporal_to') STORED,
    -- how many of the metadata that may be left out are there: search ranks by it
    completeness      integer NOT NULL GENERATED ALWAYS AS (
        (COALESCE(description -> 'title' ->> 'en', '') <> '')::integer + (COALESCE(description -> 'abstract' ->> 'en', '') <> '')::integer
        + (COALESCE(description -> 'keywords', '[]') <> '[]')::integer + (description ? 'theme')::integer + (description ? 'resource_code')::integer
        + (description ? 'region')::integer + (description ? 'temporal_from')::integer + (description ? 'issued')::integer
        + (description ? 'contact')::integer + (description ? 'data_level')::integer + (description ? 'standard')::integer
        + (description ? 'legal_basis')::integer) STORED,
    search_text       text COLLATE "C" NOT NULL GENERATED ALWAYS AS (daylight.search_text(description, schema)) STORED,
    -- the transaction that changed it last, by which search follows changes without skipping one that commits late
    touched           xid8 NOT NULL DEFAULT pg_current_xact_id(),
    FOREIGN KEY (profile_id, profile_version) REFERENCES daylight.profile
);
CREATE INDEX dataset_touched ON daylight.dataset (touched);
CREATE INDEX dataset_department ON daylight.dataset (department);

CREATE FUNCTION daylight.touch() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.touched := pg_current_xact_id();
    RETURN NEW;
END
$$;
CREATE TRIGGER dataset_touch BEFORE INSERT OR UPDATE ON daylight.dataset FOR EACH ROW EXECUTE FUNCTION daylight.touch();

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
