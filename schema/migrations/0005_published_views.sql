-- All that the public reader can see of the catalogue. Only what is published or was withdrawn; nothing about keys or pushes.
CREATE VIEW published.dataset AS
SELECT id, number, department, state, revision, description, schema, profile_id, profile_version, current_version, row_count, released_at, withdrawal,
       created_at, updated_at, title_zh, title_en, theme, region, share_type, resource_code
FROM daylight.dataset
WHERE state IN ('published', 'withdrawn');

-- The one row that a pinned read compares its version with.
CREATE VIEW published.release AS
SELECT number AS dataset_number, current_version FROM daylight.dataset WHERE state = 'published';

CREATE VIEW published.version AS
SELECT v.dataset, v.number, v.digest, v.row_count, v.added, v.changed, v.removed, v.byte_count, v.schema, v.profile_id, v.profile_version, v.department,
       v.push, v.released_at, v.withdrawal
FROM daylight.version v;

CREATE VIEW published.withdrawal AS
SELECT id, dataset, subject, version, keys, reason_zh, reason_en, legal_basis, withdrawn_at FROM daylight.withdrawal;

-- Which rows left a tombstone, without their values.
CREATE VIEW published.withdrawn_row AS
SELECT dataset, key, since, until, withdrawal FROM daylight.withdrawn_row;

CREATE VIEW published.department AS
SELECT uscc, name_zh, name_en, level, region, contact FROM daylight.department;

CREATE VIEW published.profile AS
SELECT id, version, document, loaded_at FROM daylight.profile;

CREATE VIEW published.code AS
SELECT list, code, title_zh, title_en, parent, valid_from, valid_to FROM daylight.code;
