-- Applied after the migrations, again and again. What is not granted here is not allowed.
-- (not in published and granted: their row views are granted when they are made)
REVOKE ALL ON ALL TABLES IN SCHEMA daylight FROM daylight_writer, daylight_reader, daylight_exchange;

GRANT USAGE ON SCHEMA daylight, published TO daylight_writer;
GRANT USAGE, CREATE ON SCHEMA data, staging, published, granted, received TO daylight_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA daylight TO daylight_writer;

GRANT INSERT, UPDATE (name_zh, name_en, level, region, contact, node) ON daylight.department TO daylight_writer;
GRANT INSERT, UPDATE (label, expires_at, revoked_at) ON daylight.access_key TO daylight_writer;
GRANT INSERT ON daylight.profile TO daylight_writer;
GRANT INSERT, UPDATE ON daylight.code_list TO daylight_writer;
GRANT INSERT, UPDATE, DELETE ON daylight.code TO daylight_writer;
GRANT INSERT, UPDATE ON daylight.dataset TO daylight_writer;
-- what a description said is never edited: only that it became public is noted
GRANT INSERT, UPDATE (published_at) ON daylight.description_revision TO daylight_writer;
GRANT INSERT, UPDATE ON daylight.push TO daylight_writer;
GRANT INSERT, DELETE ON daylight.finding, daylight.rejected_record TO daylight_writer;
GRANT INSERT, UPDATE, DELETE ON daylight.finding_count TO daylight_writer;
GRANT INSERT ON daylight.review, daylight.withdrawal, daylight.withdrawn_row TO daylight_writer;
-- a version is never edited: only its withdrawal is noted
GRANT INSERT, UPDATE (withdrawal) ON daylight.version TO daylight_writer;
GRANT INSERT, DELETE ON daylight.ended_row TO daylight_writer;
GRANT INSERT, UPDATE ON daylight.job TO daylight_writer;
-- what the law demands to be forgotten can be
GRANT UPDATE (state, erased_at, granted) ON daylight.withdrawn_row TO daylight_writer;
GRANT INSERT, UPDATE, DELETE ON daylight.integrity_round, daylight.integrity_finding TO daylight_writer;
GRANT INSERT, UPDATE, DELETE ON daylight.idempotency TO daylight_writer;
-- its number is given by a trigger, which acts for the owner
GRANT INSERT ON daylight.change TO daylight_writer;
GRANT INSERT, UPDATE, DELETE ON daylight.rollup TO daylight_writer;
GRANT INSERT, UPDATE, DELETE ON daylight.node, daylight.allowance, daylight.key_usage TO daylight_writer;

-- the ledger: what is in it is neither changed nor removed; entries wait for their place only, and a salt may be forgotten
GRANT INSERT, DELETE ON daylight.ledger_pending, daylight.ledger_salt TO daylight_writer;
GRANT INSERT ON daylight.sealed_entry, daylight.ledger_leaf, daylight.ledger_node, daylight.ledger_checkpoint TO daylight_writer;
-- a witness may sign one head again, later; how it stands with it changes
GRANT INSERT, UPDATE ON daylight.ledger_cosignature, daylight.ledger_witness TO daylight_writer;

-- the nodes of row trees go with what they are over
GRANT INSERT, DELETE ON daylight.row_tree_node TO daylight_writer;

-- the exchange: what was asked, given, delivered, signed and read stays; a grant's end may move, a delivery is finished once
GRANT INSERT, UPDATE (revoked_at, reason) ON daylight.receipt_key TO daylight_writer;
GRANT INSERT, UPDATE ON daylight.share_request TO daylight_writer;
GRANT INSERT ON daylight.share_event, daylight.receipt, daylight.exchange_call, daylight.audit_seal TO daylight_writer;
GRANT INSERT, UPDATE (expires_at, ended_at) ON daylight.share_grant TO daylight_writer;
GRANT INSERT, UPDATE (digest, row_count, byte_count, finished_at) ON daylight.delivery TO daylight_writer;
GRANT INSERT, DELETE ON daylight.share_idempotency TO daylight_writer;
-- what is told by webhook is forgotten some time after it was taken or given up
GRANT INSERT, UPDATE, DELETE ON daylight.endpoint, daylight.webhook_message TO daylight_writer;
GRANT INSERT, DELETE ON daylight.exchange_event TO daylight_writer;
-- corrections: what was doubted is never edited, only answered; words can be erased
GRANT INSERT, UPDATE (state, assignee, referrals, clock, clock_started_at, due_at, due_provisional, late, answer, mended_version, answered_at, leaf, revision, updated_at,
    doubt, proposed, evidence) ON daylight.correction TO daylight_writer;
GRANT INSERT, UPDATE (note) ON daylight.correction_event TO daylight_writer;
GRANT INSERT ON daylight.correction_notice TO daylight_writer;
GRANT INSERT, DELETE ON daylight.signature_nonce TO daylight_writer;
GRANT INSERT, UPDATE ON daylight.signing_rule TO daylight_writer;
GRANT INSERT ON daylight.delivery_call TO daylight_writer;
-- sealed files are a cache; passes are given by granted.enter alone, and forgotten
GRANT INSERT, UPDATE, DELETE ON daylight.sealed_file TO daylight_writer;
GRANT DELETE ON daylight.grant_pass TO daylight_writer;

-- other nodes: how far they are mirrored, and what of them is refused
GRANT INSERT, UPDATE ON daylight.home_node TO daylight_writer;
GRANT INSERT, UPDATE, DELETE ON daylight.home_trouble TO daylight_writer;
GRANT INSERT, UPDATE ON daylight.received_grant TO daylight_writer;

-- The exchange's reader: the views of grants and the tables of what came by other nodes' grants, granted one by one when the writer makes them, and nothing else.
GRANT USAGE ON SCHEMA granted, received TO daylight_exchange;
GRANT SELECT ON granted.erased TO daylight_exchange;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA granted FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA granted TO daylight_exchange;
GRANT EXECUTE ON FUNCTION granted.admits(integer) TO daylight_writer;

-- The reader: the views that the owner made; the row views are granted one by one when the writer makes them.
GRANT USAGE ON SCHEMA published TO daylight_reader;
GRANT SELECT ON published.dataset, published.release, published.version, published.withdrawal, published.withdrawn_row, published.department,
    published.profile, published.code, published.ledger_leaf, published.ledger_node, published.ledger_checkpoint, published.ledger_witness, published.ledger_cosignature,
    published.row_tree_node, published.change, published.rollup, published.integrity_round, published.integrity_finding, published.description_revision, published.correction, published.home_node, published.home_trouble TO daylight_reader, daylight_writer;
