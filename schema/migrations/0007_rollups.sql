-- Roll-ups: groups of rows that are kept computed with every version. Each has a table data.<relation>, whose groups have _since and _until as rows have, and a view of it.
-- Its name is made from what it keeps, so that two that keep the same are one.
CREATE TABLE daylight.rollup (
    relation  text COLLATE "C" PRIMARY KEY CHECK (relation ~ '^r[0-9]+_[0-9a-f]{1,16}$'),
    dataset   text COLLATE "C" NOT NULL REFERENCES daylight.dataset,
    -- the first version that it answers for: it begins where it was declared, and anew where withdrawn rows were in its sums
    since     integer NOT NULL CHECK (since > 0),
    -- of the newest version: the smallest roll-up that can answer is taken
    groups    bigint NOT NULL
);
CREATE INDEX rollup_dataset ON daylight.rollup (dataset);

CREATE VIEW published.rollup AS SELECT relation, dataset, since, groups FROM daylight.rollup;
