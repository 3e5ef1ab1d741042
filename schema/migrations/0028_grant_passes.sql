-- What admits a read by a grant. The views ask for it, so that purpose, receiver and rate hold for whoever reads as daylight_exchange. docs/exchange.md,
-- "What a grant gives".

-- One read each. Unlogged: what a crash ends needs no pass any more.
CREATE UNLOGGED TABLE daylight.grant_pass (
    id            uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    grant_number  integer NOT NULL,
    key_id        uuid NOT NULL,
    purpose       text NOT NULL,
    opened_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- the transaction that reads by it, the only one
    used_by       xid8,
    charged       boolean NOT NULL DEFAULT false
);
CREATE INDEX grant_pass_age ON daylight.grant_pass (opened_at);

-- Opens a pass for a key of the receiver, a stated purpose and one call of the grant's rate; or says what refuses it: ended, key, purpose, rows, calls. Rows are
-- looked at before a call is spent. A debt is in nanoseconds until all is there again, wait in seconds until there is one.
CREATE FUNCTION granted.enter(
    _grant uuid, _key uuid, _purpose text, OUT pass uuid, OUT refused text, OUT wait bigint, OUT calls_debt bigint, OUT rows_debt bigint
) LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    _found record;
    _unit text;
    _span bigint;
    _each bigint;
    _cost bigint;
    _now bigint;
    _full_at bigint;
BEGIN
    IF _purpose IS NULL OR _purpose !~ '[^[:space:]\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]' OR length(_purpose) > 500 THEN
        refused := 'purpose';
        RETURN;
    END IF;
    SELECT g.number, g.dataset, g.receiver, g.terms -> 'rate' AS rate INTO _found
    FROM daylight.share_grant AS g JOIN daylight.dataset AS d ON d.id = g.dataset
    WHERE g.id = _grant AND g.ended_at IS NULL AND g.expires_at > clock_timestamp() AND d.state = 'published';
    IF NOT FOUND THEN
        refused := 'ended';
        RETURN;
    END IF;
    PERFORM FROM daylight.access_key AS k
    WHERE k.id = _key AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > clock_timestamp()) AND 'exchange' = ANY (k.scopes)
        AND (k.department IS NULL OR k.department = _found.receiver) AND (k.datasets = '{}' OR _found.dataset = ANY (k.datasets));
    IF NOT FOUND THEN
        refused := 'key';
        RETURN;
    END IF;
    FOREACH _unit IN ARRAY ARRAY['rows', 'calls'] LOOP
        CONTINUE WHEN _found.rate ->> _unit IS NULL;
        _span := (_found.rate ->> 'seconds')::bigint * 1000000000;
        _each := (_span + (_found.rate ->> _unit)::bigint - 1) / (_found.rate ->> _unit)::bigint;
        _cost := CASE _unit WHEN 'calls' THEN _each ELSE 0 END;
        _now := (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint;
        INSERT INTO daylight.grant_allowance AS a (grant_id, unit, full_at) VALUES (_grant, _unit, _now + _cost)
        ON CONFLICT (grant_id, unit) DO UPDATE SET full_at = greatest(a.full_at, _now) + _cost WHERE greatest(a.full_at, _now) + _each <= _now + _span
        RETURNING full_at INTO _full_at;
        IF NOT FOUND THEN
            SELECT greatest(1, (a.full_at - _now + _each - _span + 999999999) / 1000000000) INTO wait
            FROM daylight.grant_allowance AS a WHERE a.grant_id = _grant AND a.unit = _unit;
            refused := _unit;
            RETURN;
        END IF;
        IF _unit = 'calls' THEN calls_debt := _full_at - _now; ELSE rows_debt := _full_at - _now; END IF;
    END LOOP;
    INSERT INTO daylight.grant_pass (grant_number, key_id, purpose) VALUES (_found.number, _key, _purpose) RETURNING id INTO pass;
END $$;

-- The grant that the session's pass (the setting daylight.pass) lets this transaction read by.
CREATE FUNCTION granted.admitted() RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    _pass uuid := nullif(current_setting('daylight.pass', true), '')::uuid;
    _number integer;
BEGIN
    SELECT p.grant_number INTO _number FROM daylight.grant_pass AS p WHERE p.id = _pass AND p.used_by = pg_current_xact_id_if_assigned();
    IF NOT FOUND THEN
        UPDATE daylight.grant_pass AS p SET used_by = pg_current_xact_id()
        WHERE p.id = _pass AND p.used_by IS NULL AND p.opened_at > clock_timestamp() - interval '1 minute'
        RETURNING p.grant_number INTO _number;
    END IF;
    IF _number IS NULL THEN
        RAISE insufficient_privilege USING MESSAGE = 'no pass for this read', HINT = 'Open one with granted.enter and set daylight.pass to it.';
    END IF;
    RETURN _number;
END $$;

-- What a grant's views ask. The writer made them and may read what they read.
CREATE FUNCTION granted.admits(_grant integer) RETURNS boolean LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    IF NOT pg_has_role(current_user, 'daylight_writer', 'USAGE') THEN
        IF granted.admitted() <> _grant THEN
            RAISE insufficient_privilege USING MESSAGE = 'the pass is for another grant';
        END IF;
    END IF;
    RETURN true;
END $$;

-- Charges the rows that a read gave, whether or not that many were left; once.
CREATE FUNCTION granted.charge(_pass uuid, _rows bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    _found record;
    _each bigint;
    _cost bigint;
    _now bigint := (extract(epoch FROM clock_timestamp()) * 1000000000)::bigint;
BEGIN
    UPDATE daylight.grant_pass AS p SET charged = true FROM daylight.share_grant AS g
    WHERE p.id = _pass AND NOT p.charged AND g.number = p.grant_number AND g.terms -> 'rate' ->> 'rows' IS NOT NULL
    RETURNING g.id, (g.terms -> 'rate' ->> 'rows')::bigint AS quota, (g.terms -> 'rate' ->> 'seconds')::bigint AS seconds INTO _found;
    IF NOT FOUND OR _rows <= 0 THEN
        RETURN;
    END IF;
    _each := (_found.seconds * 1000000000 + _found.quota - 1) / _found.quota;
    -- a year of debt is as good as any
    _cost := least(_rows, 31622400000000000 / _each) * _each;
    INSERT INTO daylight.grant_allowance AS a (grant_id, unit, full_at) VALUES (_found.id, 'rows', _now + _cost)
    ON CONFLICT (grant_id, unit) DO UPDATE SET full_at = greatest(a.full_at, _now) + _cost;
END $$;

CREATE OR REPLACE VIEW granted.erased WITH (security_barrier) AS
SELECT g.number AS _grant, w.since AS _since, w.until AS _until, t.withdrawn_at AS _gone_at, w.key_values AS _key
FROM daylight.withdrawn_row AS w
JOIN daylight.withdrawal AS t ON t.id = w.withdrawal
JOIN daylight.share_grant AS g ON g.number = ANY (w.granted) AND g.ended_at IS NULL AND g.expires_at > statement_timestamp()
JOIN daylight.dataset AS d ON d.id = g.dataset AND d.state = 'published'
WHERE w.erased_at IS NOT NULL AND g.number = (SELECT granted.admitted());

-- The views of grants that run ask too. They are the writer's.
DO $$
DECLARE
    _views text[] := ARRAY(
        SELECT format(
            'CREATE OR REPLACE VIEW granted.%I WITH (security_barrier) AS SELECT * FROM (%s) AS given WHERE (SELECT granted.admits(%s))',
            c.relname, rtrim(pg_get_viewdef(c.oid), '; '), g.number)
        FROM daylight.share_grant AS g JOIN pg_class AS c ON c.relname IN ('g' || g.number, 'w' || g.number)
        WHERE c.relnamespace = 'granted'::regnamespace AND c.relkind = 'v' AND g.ended_at IS NULL);
    _view text;
BEGIN
    SET LOCAL ROLE daylight_writer;
    FOREACH _view IN ARRAY _views LOOP
        EXECUTE _view;
    END LOOP;
    SET LOCAL ROLE daylight_owner;
END $$;
