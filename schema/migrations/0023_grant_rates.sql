-- What was used of the rate that a grant's terms set: the instant at which all of it is there again (GCRA), common to all servers.
CREATE TABLE daylight.grant_allowance (
    grant_id  uuid NOT NULL REFERENCES daylight.share_grant,
    unit      text NOT NULL CHECK (unit IN ('calls', 'rows')),
    -- nanoseconds since 1970
    full_at   bigint NOT NULL,
    PRIMARY KEY (grant_id, unit)
);
