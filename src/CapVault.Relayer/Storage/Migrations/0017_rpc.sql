-- JSON-RPC: operations that others built, of accounts that may not be ours. They have a sender and neither order nor step; a nonce key of more than 63
-- bits is a negative number that derives from it.
ALTER TABLE operation ADD COLUMN deploys INTEGER NOT NULL DEFAULT 0; -- 1: its initCode makes its account. Of several of one account only the oldest goes
ALTER TABLE operation ADD COLUMN paymaster BLOB;                     -- whose deposit pays, where that is not ours
CREATE INDEX operation_paymaster ON operation (paymaster) WHERE live = 1 AND paymaster IS NOT NULL;
