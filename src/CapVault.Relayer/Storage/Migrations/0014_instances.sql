-- Several relayers on one database.

-- Who may do what only one may do at a time: a lane's sending, following the chain, numbering events, the keeper's rounds. Whoever acts under a lease
-- renews it in the same transaction; one whose epoch is not its own any more writes nothing.
CREATE TABLE lease (
  name  TEXT PRIMARY KEY,  -- lane:0x…, follower, keeper, sequencer, instance:…
  owner TEXT NOT NULL,     -- the process: a new id with each start
  epoch INTEGER NOT NULL,  -- raised whenever it changes hands
  until INTEGER NOT NULL   -- database time, unix milliseconds
) STRICT;

-- ACCOUNTS

-- 1: the Executor that the account began with, and has again when the chain takes a change back.
ALTER TABLE executor ADD COLUMN initial INTEGER NOT NULL DEFAULT 0;
UPDATE executor SET initial = 1 WHERE NOT EXISTS (SELECT 1 FROM executor e WHERE e.agent_id = executor.agent_id AND e.rowid < executor.rowid);

-- Other processes end the streams of keys that were revoked just now.
CREATE INDEX api_key_revoked ON api_key (revoked_at) WHERE revoked_at IS NOT NULL;

-- What a key derived from the master key is: a relayer with another one could read nothing here, and would write what no other can read.
ALTER TABLE identity ADD COLUMN master_key BLOB;
