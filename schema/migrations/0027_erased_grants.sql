-- With a row's values goes what a grant's condition could be asked of. Which grants had given the row is noted before, so that their receivers are still told
-- that it is gone, however long they were away: it is for those rows that it matters most. docs/exchange.md, "Deliveries and receipts".
ALTER TABLE daylight.withdrawn_row
    -- numbers of the grants
    ADD COLUMN granted integer[] NOT NULL DEFAULT '{}';

CREATE VIEW granted.erased WITH (security_barrier) AS
SELECT g.number AS _grant, w.since AS _since, w.until AS _until, t.withdrawn_at AS _gone_at, w.key_values AS _key
FROM daylight.withdrawn_row AS w
JOIN daylight.withdrawal AS t ON t.id = w.withdrawal
JOIN daylight.share_grant AS g ON g.number = ANY (w.granted) AND g.ended_at IS NULL AND g.expires_at > statement_timestamp()
JOIN daylight.dataset AS d ON d.id = g.dataset AND d.state = 'published'
WHERE w.erased_at IS NOT NULL;
