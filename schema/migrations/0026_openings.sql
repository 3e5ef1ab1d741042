-- What a leaf's salted digest is of is kept beside its salt, and found by the leaf: so whoever may see it can be given the opening of each leaf, also where what it
-- tells of is another one today, as a grant that was extended since. It goes with the salt. docs/ledger.md, "What leaves do not say".
ALTER TABLE daylight.ledger_salt
    -- hash of the leaf, as in ledger_leaf; NULL of leaves from before
    ADD COLUMN leaf bytea CHECK (octet_length(leaf) = 32),
    -- in the spelling of RFC 8785; NULL of receipts, whose content is the receipt, and of leaves from before
    ADD COLUMN content bytea;
UPDATE daylight.ledger_salt s SET leaf = r.leaf FROM daylight.receipt r WHERE r.delivery = s.subject;
CREATE INDEX ledger_salt_leaf ON daylight.ledger_salt (leaf) WHERE leaf IS NOT NULL;
