-- What is charged may be less than nothing: what was set aside and not used goes back. And nobody owes more than a quota and a fifth: that is what nodes reckon with,
-- so that they tell how long to wait.
CREATE OR REPLACE FUNCTION daylight.settle(
    _kind smallint, _client bigint, _action text, _unit bigint, _quota bigint, _charge bigint, _want bigint, OUT granted bigint, OUT debt bigint
) LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
    _now bigint := (extract(epoch FROM pg_catalog.clock_timestamp()) * 1000000000)::bigint;
    _span bigint := (_charge::numeric * _unit / 1000)::bigint;
    _most bigint := _now + _quota * _unit / 10 * 12;
    _full_at bigint;
BEGIN
    INSERT INTO daylight.allowance AS a (kind, client, action, full_at) VALUES (_kind, _client, _action, least(greatest(_now + _span, _now), _most))
    ON CONFLICT (kind, client, action) DO UPDATE SET full_at = least(greatest(greatest(a.full_at, _now) + _span, _now), _most)
    RETURNING full_at INTO _full_at;
    granted := greatest(0, least(_want, _quota - ((_full_at - _now) + _unit - 1) / _unit));
    IF granted > 0 THEN
        _full_at := _full_at + granted * _unit;
        UPDATE daylight.allowance SET full_at = _full_at WHERE kind = _kind AND client = _client AND action = _action;
    END IF;
    debt := greatest(0, (_full_at - _now)::numeric * 1000 / _unit)::bigint;
END $$;
