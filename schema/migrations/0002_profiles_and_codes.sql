-- A domain's rules as data, immutable per (id, version).
CREATE TABLE daylight.profile (
    id          text COLLATE "C" NOT NULL,
    version     integer NOT NULL CHECK (version > 0),
    document    jsonb NOT NULL,
    -- SHA-256 of the file as it was loaded: a second load of the same version must be the same file.
    digest      text COLLATE "C" NOT NULL,
    loaded_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (id, version)
);

CREATE TABLE daylight.code_list (
    id          text COLLATE "C" PRIMARY KEY,
    loaded_at   timestamptz NOT NULL DEFAULT now()
);

-- One code of one list, with the time in which it holds: divisions and budget classes change from year to year.
CREATE TABLE daylight.code (
    list        text COLLATE "C" NOT NULL REFERENCES daylight.code_list,
    code        text COLLATE "C" NOT NULL,
    title_zh    text NOT NULL,
    title_en    text,
    parent      text COLLATE "C",
    valid_from  date NOT NULL DEFAULT '0001-01-01',
    valid_to    date,
    PRIMARY KEY (list, code, valid_from),
    CHECK (valid_to >= valid_from)
);
