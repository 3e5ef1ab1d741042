-- Corrections: a receiver or a reader doubts a value, its owner answers. docs/exchange.md.

CREATE TABLE daylight.correction (
    id                uuid PRIMARY KEY,
    dataset           text COLLATE "C" NOT NULL REFERENCES daylight.dataset,
    version           integer NOT NULL,
    -- the row's key as addresses spell it, and its values
    key               text COLLATE "C" NOT NULL,
    key_values        text[] COLLATE "C" NOT NULL,
    field             text COLLATE "C" NOT NULL,
    owner             text COLLATE "C" NOT NULL REFERENCES daylight.department,
    -- NULL for a reader, of whom nothing is kept
    reporter          text COLLATE "C" REFERENCES daylight.department,
    audience          text NOT NULL CHECK (audience IN ('public', 'departments')),
    state             text NOT NULL CHECK (state IN ('submitted', 'referred', 'escalated', 'corrected', 'upheld', 'withdrawn')),
    -- to whom it was referred; NULL is the authority
    assignee          text COLLATE "C" REFERENCES daylight.department,
    referrals         integer NOT NULL DEFAULT 0,
    -- words of whoever doubts: never public; NULL once they were erased
    doubt             text,
    proposed          text,
    evidence          jsonb,
    clock             text CHECK (clock IN ('correction', 'referral', 'decision')),
    clock_started_at  timestamptz,
    due_at            timestamptz,
    due_provisional   boolean NOT NULL DEFAULT false,
    late              boolean NOT NULL DEFAULT false,
    answer            text,
    mended_version    integer,
    answered_at       timestamptz,
    -- the ledger's leaf of the answer, by its hash
    leaf              bytea CHECK (octet_length(leaf) = 32),
    revision          integer NOT NULL DEFAULT 1,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    CHECK ((clock IS NULL) = (due_at IS NULL) AND (clock IS NULL) = (clock_started_at IS NULL)),
    CHECK ((state = 'corrected') = (mended_version IS NOT NULL)),
    CHECK (state NOT IN ('corrected', 'upheld', 'withdrawn') OR clock IS NULL),
    CHECK (audience = 'public' OR reporter IS NOT NULL)
);
CREATE INDEX correction_row ON daylight.correction (dataset, key, created_at DESC, id DESC);
CREATE INDEX correction_dataset ON daylight.correction (dataset, created_at DESC, id DESC);
CREATE INDEX correction_owner ON daylight.correction (owner, created_at DESC, id DESC);
CREATE INDEX correction_due ON daylight.correction (due_at) WHERE due_at IS NOT NULL;

-- What happened to a correction, in order. Only added to; a note that quotes what was erased can be.
CREATE TABLE daylight.correction_event (
    correction  uuid NOT NULL REFERENCES daylight.correction,
    number      integer NOT NULL CHECK (number > 0),
    event       text NOT NULL,
    state       text NOT NULL,
    department  text COLLATE "C" REFERENCES daylight.department,
    key_id      uuid REFERENCES daylight.access_key,
    note        text,
    at          timestamptz NOT NULL,
    PRIMARY KEY (correction, number)
);

-- Departments that were delivered a doubted value, and what they are told. Only added to.
CREATE TABLE daylight.correction_notice (
    number      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    correction  uuid NOT NULL REFERENCES daylight.correction,
    department  text COLLATE "C" NOT NULL REFERENCES daylight.department,
    -- by which the value was delivered; NULL for the department that doubted
    grant_id    uuid REFERENCES daylight.share_grant,
    event       text NOT NULL,
    at          timestamptz NOT NULL
);
CREATE INDEX correction_notice_department ON daylight.correction_notice (department, number DESC);
CREATE INDEX correction_notice_correction ON daylight.correction_notice (correction, department);

CREATE INDEX ledger_leaf_correction ON daylight.ledger_leaf (hash) WHERE kind = 'correction';

-- What everybody may know: that a public value is doubted, and what its owner says to that.
CREATE VIEW published.correction AS
SELECT c.id, c.dataset, c.version, c.key, c.field, c.owner, CASE WHEN c.reporter IS NULL THEN 'reader' ELSE 'department' END AS origin, c.audience, c.state, c.assignee,
    c.referrals, c.clock, c.clock_started_at, c.due_at, c.due_provisional, c.late, c.answer, c.mended_version, c.answered_at, c.revision, c.created_at, c.updated_at
FROM daylight.correction c JOIN daylight.dataset d ON d.id = c.dataset
WHERE c.audience = 'public' AND c.state <> 'withdrawn' AND d.state = 'published' AND d.audience = 'public';

-- Told by webhook: who has to answer, and all who get a notice.
CREATE FUNCTION daylight.tell_of_correction(_correction uuid, _department text, _event text, _grant uuid) RETURNS void LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    PERFORM daylight.tell(
        _department, 'daylight.correction.changed', 'corrections/' || c.id,
        pg_catalog.jsonb_build_object('correction', c.id, 'event', _event, 'state', c.state, 'dataset', c.dataset, 'version', c.version, 'field', c.field, 'owner', c.owner, 'grant', _grant,
            'mended_version', c.mended_version, 'due_at', pg_catalog.to_char(c.due_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')))
    FROM daylight.correction c WHERE c.id = _correction;
END $$;

CREATE FUNCTION daylight.tell_of_correction_event() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    PERFORM daylight.tell_of_correction(c.id, CASE NEW.event WHEN 'submit' THEN c.owner ELSE c.assignee END, NEW.event, NULL)
    FROM daylight.correction c WHERE c.id = NEW.correction AND (NEW.event = 'submit' OR c.assignee IS NOT NULL);
    RETURN NULL;
END $$;
CREATE TRIGGER correction_event_tell AFTER INSERT ON daylight.correction_event FOR EACH ROW WHEN (NEW.event IN ('submit', 'refer')) EXECUTE FUNCTION daylight.tell_of_correction_event();

CREATE FUNCTION daylight.tell_of_correction_notice() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
    PERFORM daylight.tell_of_correction(NEW.correction, NEW.department, NEW.event, NEW.grant_id);
    RETURN NULL;
END $$;
CREATE TRIGGER correction_notice_tell AFTER INSERT ON daylight.correction_notice FOR EACH ROW EXECUTE FUNCTION daylight.tell_of_correction_notice();
