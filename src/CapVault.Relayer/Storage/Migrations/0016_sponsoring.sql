-- SPONSORING. Gas in gwei of the native coin, rounded up: sums of wei would not fit an INTEGER.

-- The ledger: what the sponsor has promised, and what became of it. A row is committed with the sponsor's signature.
CREATE TABLE sponsorship (
  user_op_hash BLOB PRIMARY KEY, -- of a transaction that the relayer sends itself for somebody: its operation_id, in 32 bytes
  state        TEXT NOT NULL,    -- RESERVED SETTLED RELEASED
  sender       BLOB NOT NULL,    -- the account
  agent_id     TEXT,             -- whose budgets it is on
  owner        BLOB,
  key_id       TEXT,
  day          INTEGER NOT NULL, -- UTC day of chain time, since 1970, whose budgets it is on
  reserved     INTEGER NOT NULL, -- all of its gas limits at its highest fee
  cost         INTEGER,          -- what it was charged, once a block includes it
  nonce        BLOB,             -- of what a client of JSON-RPC is given: it holds one promise per nonce
  valid_until  INTEGER NOT NULL, -- unix seconds of chain time; after it, it cannot be included
  block_number INTEGER           -- of the block that includes it
) STRICT;
CREATE INDEX sponsorship_reserved ON sponsorship (valid_until) WHERE state = 'RESERVED';
CREATE INDEX sponsorship_sender ON sponsorship (sender) WHERE state = 'RESERVED';
CREATE INDEX sponsorship_block ON sponsorship (block_number) WHERE block_number IS NOT NULL;

-- The ledger's sums per budget and day. In shards, chosen by the hash: one row per budget would make all who sponsor wait for each other's commit.
CREATE TABLE sponsor_budget (
  subject TEXT NOT NULL,    -- global, owner:0x…, agent:agt_…, key:…
  day     INTEGER NOT NULL,
  shard   INTEGER NOT NULL,
  gwei    INTEGER NOT NULL,
  PRIMARY KEY (subject, day, shard)
) STRICT, WITHOUT ROWID;

CREATE INDEX operation_top_up ON operation (created_at) WHERE kind = 'top_up';
