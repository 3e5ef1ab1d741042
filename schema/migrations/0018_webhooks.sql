-- Telling departments by webhook, in the transaction of what is told. docs/exchange.md, "Being told".

-- Where a department wants to be told.
CREATE TABLE daylight.endpoint (
    id                uuid PRIMARY KEY,
    department        text COLLATE "C" NOT NULL REFERENCES daylight.department,
    url               text NOT NULL,
    label             text NOT NULL,
    -- types of event that it wants; all where there are none
    events            text[] NOT NULL DEFAULT '{}',
    revision          integer NOT NULL DEFAULT 1,
    -- keys of the HMAC; the one before signs too until its time is up
    secret            bytea NOT NULL CHECK (octet_length(secret) = 32),
    old_secret        bytea CHECK (octet_length(old_secret) = 32),
    old_secret_until  timestamptz,
    created_by        uuid NOT NULL REFERENCES daylight.access_key,
    created_at        timestamptz NOT NULL DEFAULT now(),
    disabled_at       timestamptz,
    disabled_reason   text CHECK (disabled_reason IN ('gone', 'backlog', 'owner')),
    -- failures since something was taken last, and until when it is left alone
    failures          integer NOT NULL DEFAULT 0,
    failing_since     timestamptz,
    resume_at         timestamptz NOT NULL DEFAULT '-infinity',
    last_failure      text,
    delivered_at      timestamptz,
    CHECK ((disabled_at IS NULL) = (disabled_reason IS NULL)),
    CHECK ((old_secret IS NULL) = (old_secret_until IS NULL))
);
CREATE INDEX endpoint_department ON daylight.endpoint (department, created_at, id);

-- What a department is told of: small, and without a value of any row.
CREATE TABLE daylight.exchange_event (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    department  text COLLATE "C" NOT NULL REFERENCES daylight.department,
    type        text NOT NULL,
    subject     text NOT NULL,
    data        jsonb NOT NULL,
    at          timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- names what is told once only
    mark        text COLLATE "C" UNIQUE
);
CREATE INDEX exchange_event_at ON daylight.exchange_event (at);

-- One event on its way to one endpoint.
CREATE TABLE daylight.webhook_message (
    endpoint      uuid NOT NULL REFERENCES daylight.endpoint ON DELETE CASCADE,
    event         uuid NOT NULL REFERENCES daylight.exchange_event,
    state         text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'dead')),
    attempts      integer NOT NULL DEFAULT 0,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    next_at       timestamptz NOT NULL DEFAULT '-infinity',
    -- when it is given up
    expires_at    timestamptz NOT NULL DEFAULT clock_timestamp() + interval '3 days',
    last_failure  text,
    settled_at    timestamptz,
    PRIMARY KEY (endpoint, event)
);
CREATE INDEX webhook_message_waiting ON daylight.webhook_message (endpoint, next_at) WHERE state = 'waiting';
CREATE INDEX webhook_message_listed ON daylight.webhook_message (endpoint, created_at DESC, event DESC);
CREATE INDEX webhook_message_event ON daylight.webhook_message (event);
CREATE INDEX webhook_message_settled ON daylight.webhook_message (settled_at) WHERE settled_at IS NOT NULL;

CREATE INDEX share_grant_dataset ON daylight.share_grant (dataset) WHERE ended_at IS NULL;
CREATE INDEX delivery_finished ON daylight.delivery (finished_at) WHERE finished_at IS NOT NULL;

-- Tells a department of something at those of its endpoints that want it. The message is there when the transaction commits, and not otherwise.
CREATE FUNCTION daylight.tell(_department text, _type text, _subject text, _data jsonb, _mark text DEFAULT NULL) RETURNS void LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
    _event uuid;
BEGIN
    IF NOT EXISTS (SELECT FROM daylight.endpoint e WHERE e.department = _department AND e.disabled_at IS NULL AND (e.events = '{}' OR _type = ANY (e.events))) THEN
        RETURN;
    END IF;
    INSERT INTO daylight.exchange_event (department, type, subject, data, mark) VALUES (_department, _type, _subject, pg_catalog.jsonb_strip_nulls(_data), _mark)
    ON CONFLICT (mark) DO NOTHING RETURNING id INTO _event;
    IF _event IS NULL THEN RETURN; END IF;
    INSERT INTO daylight.webhook_message (endpoint, event)
    SELECT e.id, _event FROM daylight.endpoint e WHERE e.department = _department AND e.disabled_at IS NULL AND (e.events = '{}' OR _type = ANY (e.events));
END $$;

-- A release or a withdrawal: told to all who have a running grant of the dataset.
CREATE FUNCTION daylight.tell_of_dataset(_dataset text, _type text, _data jsonb) RETURNS void LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    PERFORM daylight.tell(
        g.receiver, _type, 'grants/' || g.id,
        _data || pg_catalog.jsonb_build_object('grant', g.id, 'dataset', g.dataset, 'method', g.method, 'changes', '/v1/exchange/grants/' || g.id || '/changes'))
    FROM daylight.share_grant g WHERE g.dataset = _dataset AND g.ended_at IS NULL AND g.expires_at > pg_catalog.now();
END $$;

CREATE FUNCTION daylight.tell_of_release() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    PERFORM daylight.tell_of_dataset(NEW.dataset, 'daylight.dataset.released', pg_catalog.jsonb_build_object('version', NEW.number));
    RETURN NULL;
END $$;
CREATE TRIGGER version_tell AFTER INSERT ON daylight.version FOR EACH ROW EXECUTE FUNCTION daylight.tell_of_release();

CREATE FUNCTION daylight.tell_of_withdrawal() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    PERFORM daylight.tell_of_dataset(
        NEW.dataset, 'daylight.dataset.withdrawn', pg_catalog.jsonb_build_object('version', NEW.version, 'withdrawal', NEW.id, 'withdrawn', NEW.subject));
    RETURN NULL;
END $$;
CREATE TRIGGER withdrawal_tell AFTER INSERT ON daylight.withdrawal FOR EACH ROW EXECUTE FUNCTION daylight.tell_of_withdrawal();

-- What happened to a request: told to the two who have a part in it, but not to the one who did it.
CREATE FUNCTION daylight.tell_of_request() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
    _request daylight.share_request;
    _data jsonb;
BEGIN
    SELECT * INTO _request FROM daylight.share_request r WHERE r.id = NEW.request;
    _data := pg_catalog.jsonb_build_object(
        'request', NEW.request, 'number', NEW.number, 'event', NEW.event, 'state', NEW.state, 'dataset', _request.dataset, 'provider', _request.provider,
        'receiver', _request.receiver, 'due_at', pg_catalog.to_char(_request.due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'late', _request.late);
    PERFORM daylight.tell(p.department, 'daylight.request.changed', 'requests/' || NEW.request, _data)
    FROM (VALUES (_request.provider), (_request.receiver)) AS p (department) WHERE p.department IS DISTINCT FROM NEW.department;
    IF NEW.state = 'disposing' THEN
        PERFORM daylight.tell(_request.receiver, 'daylight.disposal.due', 'requests/' || NEW.request, _data);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER share_event_tell AFTER INSERT ON daylight.share_event FOR EACH ROW WHEN (NEW.event <> 'delivered') EXECUTE FUNCTION daylight.tell_of_request();

-- A grant was given, its end moved, or it ended: told to both.
CREATE FUNCTION daylight.tell_of_grant() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    PERFORM daylight.tell(
        p.department, CASE WHEN TG_OP = 'INSERT' THEN 'daylight.grant.given' WHEN NEW.ended_at IS NOT NULL THEN 'daylight.grant.ended' ELSE 'daylight.grant.changed' END,
        'grants/' || NEW.id,
        pg_catalog.jsonb_build_object(
            'grant', NEW.id, 'request', NEW.request, 'dataset', NEW.dataset, 'provider', NEW.provider, 'receiver', NEW.receiver, 'method', NEW.method,
            'until', pg_catalog.to_char(NEW.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
            'ended_at', pg_catalog.to_char(NEW.ended_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')))
    FROM (VALUES (NEW.provider), (NEW.receiver)) AS p (department);
    RETURN NULL;
END $$;
CREATE TRIGGER share_grant_tell AFTER INSERT OR UPDATE OF expires_at, ended_at ON daylight.share_grant FOR EACH ROW EXECUTE FUNCTION daylight.tell_of_grant();
