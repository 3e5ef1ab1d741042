-- Trees over the rows of versions, from which one row is proven without the others. docs/ledger.md says what they are made of.

-- The nodes of a tree: level 1 is over blocks of 256 rows, each further level over 256 nodes of the one below. With the key of its first row a node is found,
-- and the rows below it are read where they are. Made when a push is checked, under the push's identifier, or when a version is made otherwise.
CREATE TABLE daylight.row_tree_node (
    tree       uuid NOT NULL,
    level      smallint NOT NULL CHECK (level > 0),
    number     integer NOT NULL CHECK (number >= 0),
    hash       bytea NOT NULL CHECK (octet_length(hash) = 32),
    first_key  text[] COLLATE "C" NOT NULL,
    -- the key of its last row, where no node of the level follows
    last_key   text[] COLLATE "C",
    PRIMARY KEY (tree, level, number)
);

-- The head of the tree over the checked rows; NULL where a release would not use it.
ALTER TABLE daylight.push ADD COLUMN row_tree_head bytea CHECK (octet_length(row_tree_head) = 32);
-- Whose nodes are this version's; NULL where none are kept.
ALTER TABLE daylight.version ADD COLUMN row_tree uuid;

CREATE VIEW published.row_tree_node AS
SELECT v.dataset, v.number AS version, n.level, n.number, n.hash, n.first_key, n.last_key
FROM daylight.version v JOIN daylight.row_tree_node n ON n.tree = v.row_tree JOIN daylight.dataset d ON d.id = v.dataset
WHERE v.withdrawal IS NULL AND d.state = 'published';

-- The nodes hold keys, so they go with what they are over: with a push that ends otherwise, and with what is withdrawn.
CREATE FUNCTION daylight.drop_row_tree_of_push() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM daylight.row_tree_node WHERE tree = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER push_drop_row_tree AFTER UPDATE OF state ON daylight.push FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state AND NEW.state IN ('checked', 'rejected', 'refused', 'unchanged', 'failed'))
    EXECUTE FUNCTION daylight.drop_row_tree_of_push();

CREATE FUNCTION daylight.drop_row_tree_of_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM daylight.row_tree_node WHERE tree = NEW.row_tree;
    RETURN NULL;
END
$$;
CREATE TRIGGER version_drop_row_tree AFTER UPDATE OF withdrawal ON daylight.version FOR EACH ROW
    WHEN (NEW.withdrawal IS NOT NULL AND NEW.row_tree IS NOT NULL)
    EXECUTE FUNCTION daylight.drop_row_tree_of_version();
