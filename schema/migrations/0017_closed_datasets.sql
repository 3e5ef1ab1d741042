-- Datasets that are closed to the public and shared between departments: they have versions as others have, and nothing of them is in what the public reads.

-- For whom it is. Its description says so until the first release; from then on it stays.
ALTER TABLE daylight.dataset ADD COLUMN audience text NOT NULL DEFAULT 'public' CHECK (audience IN ('public', 'departments'));

CREATE FUNCTION daylight.set_audience() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.audience := CASE WHEN NEW.description ->> 'openness' = 'closed' OR NEW.description ->> 'disclosure' = 'withheld' THEN 'departments' ELSE 'public' END;
    RETURN NEW;
END
$$;
CREATE TRIGGER dataset_audience BEFORE INSERT OR UPDATE OF description ON daylight.dataset FOR EACH ROW WHEN (NEW.current_version IS NULL) EXECUTE FUNCTION daylight.set_audience();
UPDATE daylight.dataset SET description = description WHERE current_version IS NULL;

-- What is entered about such a dataset says nothing but that there was something. What it stands for is kept here: SHA-256 of salt and entry is in the leaf.
CREATE TABLE daylight.sealed_entry (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- of the leaf, as in ledger_leaf
    hash     bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
    kind     text COLLATE "C" NOT NULL,
    dataset  text COLLATE "C" NOT NULL REFERENCES daylight.dataset,
    version  integer,
    entry    bytea NOT NULL,
    salt     bytea NOT NULL CHECK (octet_length(salt) = 32)
);
CREATE UNIQUE INDEX sealed_entry_release ON daylight.sealed_entry (dataset, version) WHERE kind = 'release';

-- Done here and not by those who enter, so that none of them can forget it.
CREATE FUNCTION daylight.seal_entry() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    salt bytea;
    sealed bytea;
BEGIN
    IF NOT EXISTS (SELECT FROM daylight.dataset d WHERE d.id = NEW.dataset AND d.audience = 'departments') THEN
        RETURN NEW;
    END IF;
    salt := sha256(gen_random_uuid()::text::bytea || gen_random_uuid()::text::bytea || gen_random_uuid()::text::bytea);
    sealed := convert_to('{"commitment":"' || encode(sha256(salt || NEW.entry), 'hex') || '","format":"daylight-leaf/1","kind":"sealed"}', 'UTF8');
    INSERT INTO daylight.sealed_entry (hash, kind, dataset, version, entry, salt)
    VALUES (sha256('\x00'::bytea || sealed), NEW.kind, NEW.dataset, NEW.version, NEW.entry, salt);
    NEW.kind := 'sealed';
    NEW.dataset := NULL;
    NEW.version := NULL;
    NEW.entry := sealed;
    RETURN NEW;
END
$$;
CREATE TRIGGER ledger_pending_seal BEFORE INSERT ON daylight.ledger_pending FOR EACH ROW WHEN (NEW.dataset IS NOT NULL) EXECUTE FUNCTION daylight.seal_entry();

-- Grants, receipts and what is sealed are found by the hash of their leaf.
DROP INDEX daylight.ledger_leaf_committed;
CREATE INDEX ledger_leaf_committed ON daylight.ledger_leaf (hash) WHERE kind IN ('grant', 'receipt', 'sealed');

-- What everybody reads, without them.
CREATE OR REPLACE VIEW published.dataset AS
SELECT id, number, department, state, revision, description, schema, profile_id, profile_version, current_version, row_count, released_at, withdrawal,
       created_at, updated_at, title_zh, title_en, theme, region, share_type, resource_code, expires_at
FROM daylight.dataset
WHERE state IN ('published', 'withdrawn') AND audience = 'public';

CREATE OR REPLACE VIEW published.release AS
SELECT number AS dataset_number, current_version FROM daylight.dataset WHERE state = 'published' AND audience = 'public';

CREATE OR REPLACE VIEW published.version AS
SELECT v.dataset, v.number, v.digest, v.row_count, v.added, v.changed, v.removed, v.byte_count, v.schema, v.profile_id, v.profile_version, v.department,
       v.push, v.released_at, v.withdrawal
FROM daylight.version v JOIN daylight.dataset d ON d.id = v.dataset
WHERE d.audience = 'public';

CREATE OR REPLACE VIEW published.withdrawal AS
SELECT w.id, w.dataset, w.subject, w.version, w.keys, w.reason_zh, w.reason_en, w.legal_basis, w.withdrawn_at, w.reason_code
FROM daylight.withdrawal w JOIN daylight.dataset d ON d.id = w.dataset
WHERE d.audience = 'public';

CREATE OR REPLACE VIEW published.withdrawn_row AS
SELECT r.dataset, r.key, r.since, r.until, r.withdrawal
FROM daylight.withdrawn_row r JOIN daylight.dataset d ON d.id = r.dataset
WHERE d.audience = 'public';

CREATE OR REPLACE VIEW published.row_tree_node AS
SELECT v.dataset, v.number AS version, n.level, n.number, n.hash, n.first_key, n.last_key
FROM daylight.version v JOIN daylight.row_tree_node n ON n.tree = v.row_tree JOIN daylight.dataset d ON d.id = v.dataset
WHERE v.withdrawal IS NULL AND d.state = 'published' AND d.audience = 'public';

CREATE OR REPLACE VIEW published.integrity_finding AS
SELECT f.id, f.kind, f.dataset, f.version, f.keys, f.precision, f.leaf, f.found_at, f.seen_at
FROM daylight.integrity_finding f LEFT JOIN daylight.dataset d ON d.id = f.dataset
WHERE f.closed_at IS NULL AND (f.dataset IS NULL OR (d.state = 'published' AND d.audience = 'public'));

CREATE OR REPLACE VIEW published.description_revision AS
SELECT r.dataset, r.revision, r.description, r.written_at, r.published_at
FROM daylight.description_revision r JOIN daylight.dataset d ON d.id = r.dataset
WHERE r.published_at IS NOT NULL AND d.state = 'published' AND d.audience = 'public';

CREATE OR REPLACE VIEW published.change AS
SELECT c.id, c.number, c.kind, c.dataset, c.version, c.revision, c.withdrawal, c.changed_at, d.department, p.name_zh, p.name_en,
       CASE WHEN d.state = 'published' THEN d.title_zh END AS title_zh, CASE WHEN d.state = 'published' THEN d.title_en END AS title_en,
       w.subject, w.reason_zh, w.reason_en
FROM daylight.change c
JOIN daylight.dataset d ON d.id = c.dataset
JOIN daylight.department p ON p.uscc = d.department
LEFT JOIN daylight.withdrawal w ON w.id = c.withdrawal
WHERE d.state <> 'draft' AND d.audience = 'public';
