-- The public record of what changed: each release, withdrawal and edit of a published description, written in the transaction that it tells of.
CREATE SEQUENCE daylight.change_number;

CREATE TABLE daylight.change (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    -- its place in the order; given at the commit, so nobody sees a row without one
    number      bigint UNIQUE,
    kind        text NOT NULL CHECK (kind IN ('release', 'withdrawal', 'description')),
    dataset     text COLLATE "C" NOT NULL REFERENCES daylight.dataset,
    version     integer,
    revision    integer,
    withdrawal  uuid REFERENCES daylight.withdrawal,
    changed_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX change_dataset ON daylight.change (dataset, number);

-- Whoever reads on from the highest number seen must miss nothing, so numbers have to rise in the order of commits. This runs at the commit itself, under a lock
-- that the commit lets go of only once the change can be seen: the next number belongs to somebody who commits later, however long ago that one began.
CREATE FUNCTION daylight.number_change() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    -- the first number keeps this lock apart from the others of this program
    PERFORM pg_catalog.pg_advisory_xact_lock(6877, 0);
    UPDATE daylight.change SET number = pg_catalog.nextval('daylight.change_number'), changed_at = pg_catalog.clock_timestamp() WHERE id = NEW.id;
    RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION daylight.number_change() FROM PUBLIC;
CREATE CONSTRAINT TRIGGER change_number AFTER INSERT ON daylight.change DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.number IS NULL) EXECUTE FUNCTION daylight.number_change();

-- What happened before there was a record of it.
INSERT INTO daylight.change (number, kind, dataset, version, withdrawal, changed_at)
SELECT nextval('daylight.change_number'), past.kind, past.dataset, past.version, past.withdrawal, past.changed_at
FROM (SELECT 'release' AS kind, dataset, number AS version, NULL::uuid AS withdrawal, released_at AS changed_at FROM daylight.version
      UNION ALL SELECT 'withdrawal', dataset, version, id, withdrawn_at FROM daylight.withdrawal
      ORDER BY changed_at) AS past;

-- What names the feeds of this installation: their identifiers are made from it.
INSERT INTO daylight.secret (name, value) VALUES ('feed', uuid_send(gen_random_uuid()));

-- A withdrawn dataset keeps its place in the record, but not its title.
CREATE VIEW published.change AS
SELECT c.id, c.number, c.kind, c.dataset, c.version, c.revision, c.withdrawal, c.changed_at, d.department, p.name_zh, p.name_en,
       CASE WHEN d.state = 'published' THEN d.title_zh END AS title_zh, CASE WHEN d.state = 'published' THEN d.title_en END AS title_en,
       w.subject, w.reason_zh, w.reason_en
FROM daylight.change c
JOIN daylight.dataset d ON d.id = c.dataset
JOIN daylight.department p ON p.uscc = d.department
LEFT JOIN daylight.withdrawal w ON w.id = c.withdrawal
WHERE d.state <> 'draft';
