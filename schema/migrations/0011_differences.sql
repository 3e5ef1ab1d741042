-- What differs between two versions is found by what began and what ended between them. Tables of rows that are made from now on have these indexes from the beginning.
-- The first version's rows are in neither, so that both stay as small as what has changed since.
DO $$
DECLARE
    n integer;
BEGIN
    FOR n IN SELECT number FROM daylight.dataset WHERE current_version IS NOT NULL AND to_regclass(format('data.%I', 'd' || number)) IS NOT NULL ORDER BY number LOOP
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON data.%I (_since) WHERE _since > 1', 'd' || n || '_begun', 'd' || n);
        EXECUTE format('CREATE INDEX IF NOT EXISTS %I ON data.%I (_until) WHERE _until IS NOT NULL', 'd' || n || '_ended', 'd' || n);
    END LOOP;
END $$;
