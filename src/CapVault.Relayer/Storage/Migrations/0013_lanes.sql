-- A POOL OF LANES
-- Each relayer EOA sends the transactions of one lane. Lane 0's key is LaneKey, the others' derive from it.
ALTER TABLE eoa ADD COLUMN lane INTEGER; -- null: of another LaneKey, or of a larger pool. Nothing new goes there; what was sent is seen through

-- The EOA in whose transactions it travels. Of an account's operations: the one that the sponsorship names. Of the relayer's own: that of the lane
-- that has taken it, null until then.
ALTER TABLE operation ADD COLUMN eoa BLOB;
ALTER TABLE operation ADD COLUMN prefund INTEGER NOT NULL DEFAULT 0; -- gwei: what the EntryPoint holds back from the deposit while it runs
ALTER TABLE prepared_operation ADD COLUMN eoa BLOB;
-- operation.kind may be fund.

UPDATE operation SET eoa = (SELECT address FROM eoa LIMIT 1) WHERE live = 1 AND kind = 'user_op';
UPDATE prepared_operation SET eoa = (SELECT address FROM eoa LIMIT 1);

DROP INDEX operation_lane;
CREATE INDEX operation_lane ON operation (sender, nonce_key, nonce_seq) WHERE live = 1;
CREATE INDEX operation_eoa ON operation (eoa, state, operation_id) WHERE live = 1;
CREATE INDEX operation_own ON operation (operation_id) WHERE live = 1 AND kind <> 'user_op';

-- Hashes under which an operation was sent before it was signed anew, at the same place in its nonce lane: a block that was taken back may return
-- with the earlier one.
CREATE TABLE former_operation (
  user_op_hash BLOB PRIMARY KEY,
  operation_id INTEGER NOT NULL
) STRICT;

ALTER TABLE attempt ADD COLUMN cancels INTEGER NOT NULL DEFAULT 0; -- 1: a no-op, which uses the nonce up so that the operations can go elsewhere

-- A nonce is taken in the transaction that commits what is signed with it: none waits for its content any more.
UPDATE operation SET state = 'QUEUED', lane_tx_id = NULL, attempt = attempt - 1
WHERE state = 'ASSIGNED' AND lane_tx_id IN (SELECT lane_tx_id FROM lane_tx WHERE state = 'BUILT');
UPDATE lane_tx SET state = 'CANCELLED' WHERE state = 'BUILT';
