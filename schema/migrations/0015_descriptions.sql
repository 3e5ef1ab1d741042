-- What a dataset's description said, from each edit to the next. A revision is never edited: only that it became public is noted, with the first release.
-- Edits of something else (the mapping) count the dataset's revision on as well, and leave nothing here.
CREATE TABLE daylight.description_revision (
    dataset       text COLLATE "C" NOT NULL REFERENCES daylight.dataset,
    revision      integer NOT NULL CHECK (revision > 0),
    description   jsonb NOT NULL,
    written_at    timestamptz NOT NULL DEFAULT now(),
    -- since when everybody may see it; NULL for what was edited before the first release
    published_at  timestamptz,
    PRIMARY KEY (dataset, revision)
);

-- Kept here and not by those who write, so that none of them can forget it.
CREATE FUNCTION daylight.keep_description() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' OR NEW.description IS DISTINCT FROM OLD.description THEN
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
CREATE TRIGGER dataset_keep_description AFTER INSERT OR UPDATE OF description, state ON daylight.dataset FOR EACH ROW EXECUTE FUNCTION daylight.keep_description();

-- Of what was edited before, only what stands now is known.
INSERT INTO daylight.description_revision (dataset, revision, description, written_at, published_at)
SELECT id, revision, description, updated_at, CASE WHEN state <> 'draft' THEN updated_at END FROM daylight.dataset;

CREATE VIEW published.description_revision AS
SELECT r.dataset, r.revision, r.description, r.written_at, r.published_at
FROM daylight.description_revision r JOIN daylight.dataset d ON d.id = r.dataset
WHERE r.published_at IS NOT NULL AND d.state = 'published';
