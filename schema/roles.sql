-- Applied before the migrations, again and again: roles belong to the cluster, not to the database.
-- owner owns the schema; writer runs pushes and releases; reader answers the public; exchange reads what grants give. None can log in by itself:
-- the server's login user is a member of them and each connection takes on one.
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['daylight_owner', 'daylight_writer', 'daylight_reader', 'daylight_exchange'] LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I NOLOGIN', name);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- another migration made it in the same moment
            END;
        END IF;
    END LOOP;
END $$;

-- Nothing of ours lives in schema public, so nobody needs it; a login that does not own the database leaves it as it is.
DO $$
BEGIN
    IF pg_has_role(current_user, (SELECT nspowner FROM pg_namespace WHERE nspname = 'public'), 'USAGE')
        AND has_schema_privilege('public', 'public', 'USAGE') THEN
        REVOKE ALL ON SCHEMA public FROM PUBLIC;
    END IF;
END $$;
