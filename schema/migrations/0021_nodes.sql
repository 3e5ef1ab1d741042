-- Other installations (nodes) whose catalogue this one mirrors: the homes of those datasets. docs/nodes.md.
CREATE TABLE daylight.home_node (
    id                 uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    url                text COLLATE "C" NOT NULL UNIQUE CHECK (url ~ '^https?://[^/ ]+$'),
    state              text NOT NULL DEFAULT 'beginning' CHECK (state IN ('beginning', 'following', 'unreachable', 'refused', 'removed')),
    -- the verifier key of its ledger: the operator's, or the first that it showed
    ledger_key         text COLLATE "C",
    -- the newest head that was found right: whatever it shows later has to go on from it
    ledger_size        bigint NOT NULL DEFAULT 0 CHECK (ledger_size >= 0),
    ledger_head        bytea CHECK (octet_length(ledger_head) = 32),
    -- the same as it was signed: half of the proof, should it ever be contradicted
    ledger_checkpoint  text,
    -- the number of the last of its changes that was looked into
    cursor             bigint NOT NULL DEFAULT 0,
    error_zh           text,
    error_en           text,
    failures           integer NOT NULL DEFAULT 0,
    next_try_at        timestamptz NOT NULL DEFAULT now(),
    added_at           timestamptz NOT NULL DEFAULT now(),
    -- when there was nothing more of it to take
    checked_at         timestamptz
);

-- What of a node is not taken, and why; tried again from time to time.
CREATE TABLE daylight.home_trouble (
    node         uuid NOT NULL REFERENCES daylight.home_node,
    dataset      text COLLATE "C" NOT NULL,
    kind         text NOT NULL CHECK (kind IN ('lie', 'taken', 'unfit', 'broken')),
    version      integer,
    message_zh   text NOT NULL,
    message_en   text NOT NULL,
    failures     integer NOT NULL DEFAULT 1,
    since        timestamptz NOT NULL DEFAULT now(),
    next_try_at  timestamptz NOT NULL,
    PRIMARY KEY (node, dataset)
);

-- Where a dataset is at home, and by way of which node it comes here; NULL for those of this installation.
ALTER TABLE daylight.dataset
    ADD COLUMN home_node uuid REFERENCES daylight.home_node,
    ADD COLUMN home_url text COLLATE "C",
    ADD CHECK ((home_node IS NULL) = (home_url IS NULL));
CREATE INDEX dataset_home_node ON daylight.dataset (home_node) WHERE home_node IS NOT NULL;

-- The address of the node where a department publishes; NULL for this one.
ALTER TABLE daylight.department ADD COLUMN node text COLLATE "C" CHECK (node ~ '^https?://[^ ]+$');

-- Only what is public at home comes here, and it stays so, whatever its description says later.
CREATE OR REPLACE FUNCTION daylight.set_audience() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.audience := CASE WHEN NEW.home_node IS NULL AND (NEW.description ->> 'openness' = 'closed' OR NEW.description ->> 'disclosure' = 'withheld')
                         THEN 'departments' ELSE 'public' END;
    RETURN NEW;
END
$$;

-- The revisions of a mirrored description are written as they are at home.
CREATE OR REPLACE FUNCTION daylight.keep_description() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.home_node IS NOT NULL THEN
        RETURN NULL;
    ELSIF TG_OP = 'INSERT' OR NEW.description IS DISTINCT FROM OLD.description THEN
        INSERT INTO daylight.description_revision (dataset, revision, description, published_at)
        VALUES (NEW.id, NEW.revision, NEW.description, CASE WHEN NEW.state = 'published' THEN now() END)
        ON CONFLICT DO NOTHING;
    ELSIF NEW.state = 'published' AND OLD.state = 'draft' THEN
        UPDATE daylight.description_revision SET published_at = now()
        WHERE dataset = NEW.id AND published_at IS NULL
              AND revision = (SELECT max(r.revision) FROM daylight.description_revision r WHERE r.dataset = NEW.id);
    END IF;
    RETURN NULL;
END
$$;

CREATE OR REPLACE VIEW published.dataset AS
SELECT id, number, department, state, revision, description, schema, profile_id, profile_version, current_version, row_count, released_at, withdrawal,
       created_at, updated_at, title_zh, title_en, theme, region, share_type, resource_code, expires_at, home_url
FROM daylight.dataset
WHERE state IN ('published', 'withdrawn') AND audience = 'public';

CREATE OR REPLACE VIEW published.department AS
SELECT uscc, name_zh, name_en, level, region, contact, node FROM daylight.department;

CREATE VIEW published.home_node AS
SELECT n.id, n.url, n.state, n.ledger_key, n.ledger_size, n.ledger_head, n.cursor, n.error_zh, n.error_en, n.failures, n.next_try_at, n.added_at, n.checked_at,
       (SELECT count(*) FROM daylight.dataset d WHERE d.home_node = n.id AND d.state = 'published') AS datasets
FROM daylight.home_node n;

CREATE VIEW published.home_trouble AS
SELECT node, dataset, kind, version, message_zh, message_en, failures, since, next_try_at FROM daylight.home_trouble;
