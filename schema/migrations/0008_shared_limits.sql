-- Limits that all nodes share. What is here is worth a minute: unlogged, so that it costs no disk; after a crash of the database server everybody begins anew.

-- A node that serves, by its last sign of life.
CREATE UNLOGGED TABLE daylight.node (
    id       uuid PRIMARY KEY,
    seen_at  timestamptz NOT NULL
);

-- What a client has spent of one limit, by all nodes together: the moment at which its quota is full again (GCRA), in nanoseconds since 1970.
-- Only of those who spend more than a node lets through on its own account.
CREATE UNLOGGED TABLE daylight.allowance (
    -- 1 a key, 2 an IPv4 address, 3 an IPv6 network of 64 bits
    kind     smallint NOT NULL,
    client   bigint NOT NULL,
    action   text COLLATE "C" NOT NULL,
    full_at  bigint NOT NULL,
    PRIMARY KEY (kind, client, action)
);

-- Charges what a node has let through, and sets aside what it wants, as far as the quota has it.
--   unit    nanoseconds in which one unit comes back
--   charge  thousandths of units
--   debt    thousandths of units spent and not yet restored, afterwards
CREATE FUNCTION daylight.settle(
    _kind smallint, _client bigint, _action text, _unit bigint, _quota bigint, _charge bigint, _want bigint, OUT granted bigint, OUT debt bigint
) LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
    _now bigint := (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000000)::bigint;
    _full_at bigint;
BEGIN
    INSERT INTO daylight.allowance AS a (kind, client, action, full_at) VALUES (_kind, _client, _action, _now + (_charge::numeric * _unit / 1000)::bigint)
    ON CONFLICT (kind, client, action) DO UPDATE SET full_at = greatest(a.full_at, _now) + (_charge::numeric * _unit / 1000)::bigint
    RETURNING full_at INTO _full_at;
    granted := greatest(0, least(_want, _quota - ((_full_at - _now) + _unit - 1) / _unit));
    IF granted > 0 THEN
        _full_at := _full_at + granted * _unit;
        UPDATE daylight.allowance SET full_at = _full_at WHERE kind = _kind AND client = _client AND action = _action;
    END IF;
    debt := greatest(0, (_full_at - _now)::numeric * 1000 / _unit)::bigint;
END $$;

-- What a key has used, by day: told to its holder.
CREATE TABLE daylight.key_usage (
    key_id    uuid NOT NULL REFERENCES daylight.access_key,
    day       date NOT NULL,
    action    text COLLATE "C" NOT NULL,
    requests  bigint NOT NULL,
    units     bigint NOT NULL,
    refused   bigint NOT NULL,
    PRIMARY KEY (key_id, day, action)
);
CREATE INDEX key_usage_day ON daylight.key_usage (day);
