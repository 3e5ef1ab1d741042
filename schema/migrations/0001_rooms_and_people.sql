-- Four schemas keep apart what differs in who may touch it:
--   daylight   the catalogue and everything about pushes; the writer reads and writes, nobody drops
--   data       one table of rows per dataset, made by the writer at the first release
--   staging    one unlogged table per push between check and release
--   published  views: all that the public reader's role can see
CREATE SCHEMA daylight;
CREATE SCHEMA data;
CREATE SCHEMA staging;
CREATE SCHEMA published;

-- A department by its unified social credit code (GB 32100-2015). Its check character is verified before a row gets here.
CREATE TABLE daylight.department (
    uscc        text COLLATE "C" PRIMARY KEY CHECK (uscc ~ '^[0-9A-HJ-NPQRTUWXY]{18}$'),
    name_zh     text NOT NULL,
    name_en     text,
    level       text NOT NULL CHECK (level IN ('region', 'prefecture', 'county')),
    region      text COLLATE "C" NOT NULL CHECK (region ~ '^[0-9]{6}$'),
    contact     jsonb,
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- An access key. Only the SHA-256 of the key is kept; the prefix is its public part.
CREATE TABLE daylight.access_key (
    id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    prefix      text COLLATE "C" NOT NULL UNIQUE,
    hash        text COLLATE "C" NOT NULL CHECK (hash ~ '^[0-9a-f]{64}$'),
    label       text NOT NULL,
    department  text COLLATE "C" REFERENCES daylight.department,
    scopes      text[] NOT NULL,
    datasets    text[] NOT NULL DEFAULT '{}',
    networks    cidr[] NOT NULL DEFAULT '{}',
    tier        text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz,
    revoked_at  timestamptz
);

-- Secrets that all nodes share, such as the one that signs cursors. Made once, at migration.
CREATE TABLE daylight.secret (
    name        text PRIMARY KEY,
    value       bytea NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now()
);
INSERT INTO daylight.secret (name, value)
VALUES ('cursor', sha256(gen_random_uuid()::text::bytea || gen_random_uuid()::text::bytea || gen_random_uuid()::text::bytea));
