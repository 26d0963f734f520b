-- Times are unix milliseconds, except on-chain times (unix seconds, column names end in _time). Amounts are decimal strings of base
-- units: a uint120 does not fit an INTEGER, and must never pass through a float. Hashes are 32-byte and addresses 20-byte blobs.

-- ACCOUNTS

CREATE TABLE agent (
  agent_id      TEXT PRIMARY KEY,
  name          TEXT NOT NULL,
  owner         BLOB NOT NULL,        -- the person behind the account
  executor      BLOB NOT NULL,        -- address of executor_key; never shown
  executor_key  BLOB NOT NULL,        -- AES-256-GCM: nonce, tag, ciphertext; bound to agent_id
  account       BLOB NOT NULL UNIQUE, -- ERC-4337 account, CREATE2: known before it is deployed
  account_salt  BLOB NOT NULL,
  deployed      INTEGER NOT NULL DEFAULT 0, -- from AccountCreated logs
  created_at    INTEGER NOT NULL
) STRICT;
CREATE INDEX agent_undeployed ON agent (agent_id) WHERE deployed = 0;

CREATE TABLE api_key (
  key_id      TEXT PRIMARY KEY,   -- the public part, by which it is looked up
  agent_id    TEXT REFERENCES agent, -- null: the operator
  secret_hash BLOB NOT NULL,      -- SHA-256; compared in constant time
  created_at  INTEGER NOT NULL,
  revoked_at  INTEGER
) STRICT;

-- CATALOGUE

-- A version never changes: negotiations pin the one they were made with. The newest is the service.
CREATE TABLE service (
  service_id              TEXT NOT NULL,
  version                 INTEGER NOT NULL,
  agent_id                TEXT NOT NULL REFERENCES agent,
  name                    TEXT NOT NULL,
  description             TEXT,
  price                   TEXT NOT NULL,
  token                   BLOB NOT NULL,
  sla_seconds             INTEGER NOT NULL,
  deliverable_type        TEXT NOT NULL,
  negotiation_ttl_seconds INTEGER NOT NULL,
  enabled                 INTEGER NOT NULL,
  created_at              INTEGER NOT NULL,
  PRIMARY KEY (service_id, version)
) STRICT, WITHOUT ROWID;

-- ORDERS: what was said off chain

CREATE TABLE negotiation (
  negotiation_id      TEXT PRIMARY KEY,
  service_id          TEXT NOT NULL,
  service_version     INTEGER NOT NULL,
  requester_agent_id  TEXT NOT NULL REFERENCES agent,
  provider_agent_id   TEXT NOT NULL REFERENCES agent,
  requirements        TEXT,
  metadata            TEXT,
  status              TEXT NOT NULL,          -- pending, accepted, rejected, expired
  revision            INTEGER NOT NULL,
  reject_reason       TEXT,
  order_id            BLOB NOT NULL UNIQUE,   -- EIP-712 digest of terms
  terms               BLOB NOT NULL,          -- the Order struct, ABI-encoded
  terms_document      TEXT NOT NULL,          -- RFC 8785 JSON; its keccak256 is terms.termsHash
  requester_signature BLOB NOT NULL,          -- ERC-1271: consent given by negotiating
  provider_signature  BLOB,                   -- ERC-1271: consent given by accepting
  expires_at          INTEGER NOT NULL,
  created_at          INTEGER NOT NULL,
  updated_at          INTEGER NOT NULL
) STRICT;
CREATE INDEX negotiation_requester ON negotiation (requester_agent_id, created_at);
CREATE INDEX negotiation_provider ON negotiation (provider_agent_id, created_at);
CREATE INDEX negotiation_due ON negotiation (expires_at) WHERE status = 'pending';

-- One row per order that was accepted here or created on chain. Everything in it is fixed; where the order stands is in order_state.
CREATE TABLE orders (
  order_id           BLOB PRIMARY KEY,
  public_id          TEXT NOT NULL UNIQUE, -- ord_…, derives from order_id
  negotiation_id     TEXT REFERENCES negotiation,
  service_id         TEXT,
  requester_agent_id TEXT,                 -- null: the account is not one of ours
  provider_agent_id  TEXT,
  terms              BLOB NOT NULL,
  created_at         INTEGER NOT NULL
) STRICT;
CREATE INDEX orders_requester ON orders (requester_agent_id, created_at);
CREATE INDEX orders_provider ON orders (provider_agent_id, created_at);

-- Everything that was submitted: which of it counts is decided by the hash on chain.
CREATE TABLE delivery (
  order_id         BLOB NOT NULL REFERENCES orders,
  deliverable_type TEXT NOT NULL,
  content          BLOB NOT NULL,     -- UTF-8: text exactly as submitted (a TEXT column ends at a NUL), or the JSON value
  content_hash     BLOB NOT NULL,
  submitted_at     INTEGER NOT NULL,
  PRIMARY KEY (order_id, content_hash)
) STRICT;

-- The chain holds only the hash of a reason.
CREATE TABLE reason (
  order_id    BLOB NOT NULL,
  reason_hash BLOB NOT NULL,
  text        TEXT NOT NULL,
  PRIMARY KEY (order_id, reason_hash)
) STRICT, WITHOUT ROWID;

-- ORDERS: what the chain says. A pure function of chain_event: may be dropped and rebuilt.
CREATE TABLE order_state (
  order_id         BLOB PRIMARY KEY,
  phase            INTEGER NOT NULL,  -- 1 NEGOTIATION 2 LOCK 3 DELIVER 4 DISPUTE 5 CLEAR 6 REJECTED 7 EXPIRED
  deadline_time    INTEGER,           -- the last second in which the phase can go on: pay or SLA deadline; null once final
  deliverable_hash BLOB,
  to_provider      TEXT,
  fee              TEXT,
  refund           TEXT,
  rejected_by      BLOB,
  reason_hash      BLOB,
  create_tx        BLOB, created_time   INTEGER,
  pay_tx           BLOB, paid_time      INTEGER, sla_deadline_time INTEGER,
  deliver_tx       BLOB, delivered_time INTEGER,
  clear_tx         BLOB, cleared_time   INTEGER,
  reject_tx        BLOB, rejected_time  INTEGER,
  expire_tx        BLOB, expired_time   INTEGER
) STRICT;
CREATE INDEX order_state_due ON order_state (deadline_time) WHERE deadline_time IS NOT NULL;

-- OPERATIONS

-- Everything that must get on chain, from the commit that promised it until its outcome is final.
CREATE TABLE operation (
  operation_id   INTEGER PRIMARY KEY AUTOINCREMENT,
  kind           TEXT NOT NULL,       -- user_op, or sent by the relayer itself: deploy, expire, sweep, top_up
  state          TEXT NOT NULL,       -- RECEIVED QUEUED ASSIGNED BROADCAST INCLUDED FINAL | REJECTED EXPIRED FAILED SUPERSEDED
  live           INTEGER NOT NULL,    -- 1 until its outcome is known
  order_id       BLOB,
  step           TEXT,                -- create pay deliver reject expire
  sender         BLOB,                -- user_op: the account
  nonce_key      INTEGER,
  nonce_seq      INTEGER,
  call_data      BLOB NOT NULL,       -- user_op: the account's call; else the transaction's data
  target         BLOB,                -- not user_op: the transaction's recipient
  value          TEXT NOT NULL,       -- not user_op: wei
  user_op_hash   BLOB UNIQUE,
  user_op        BLOB,                -- packed and signed, as handleOps takes it
  valid_until    INTEGER,             -- the sponsor's signature, unix seconds
  gas_limit      INTEGER NOT NULL,    -- what it may add to its transaction
  lane_tx_id     INTEGER,
  attempt        INTEGER NOT NULL DEFAULT 0, -- how often it was put into a transaction
  success        INTEGER,
  failure_code   TEXT,
  failure_reason TEXT,
  tx_hash        BLOB,
  block_hash     BLOB,                -- block that includes it
  block_number   INTEGER,
  created_at     INTEGER NOT NULL,
  updated_at     INTEGER NOT NULL
) STRICT;
-- One live operation per order and step: parallel and repeated calls find this row instead of making a second.
CREATE UNIQUE INDEX operation_live_step ON operation (order_id, step) WHERE live = 1 AND order_id IS NOT NULL;
CREATE UNIQUE INDEX operation_live_self ON operation (kind, target, call_data) WHERE live = 1 AND kind <> 'user_op';
CREATE INDEX operation_order ON operation (order_id);
CREATE INDEX operation_state ON operation (state, operation_id);
CREATE INDEX operation_block ON operation (block_number) WHERE block_number IS NOT NULL;
CREATE INDEX operation_lane_tx ON operation (lane_tx_id);
CREATE INDEX operation_lane ON operation (sender, nonce_key) WHERE live = 1;

-- The next sequence number of each nonce lane of our accounts, from UserOperationEvent logs.
CREATE TABLE account_lane (
  account   BLOB NOT NULL,
  nonce_key INTEGER NOT NULL,
  next_seq  INTEGER NOT NULL,
  PRIMARY KEY (account, nonce_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE eoa (
  address    BLOB PRIMARY KEY,
  next_nonce INTEGER NOT NULL
) STRICT;

-- One nonce of one relayer EOA. It is given up only when a transaction with it is final.
CREATE TABLE lane_tx (
  lane_tx_id   INTEGER PRIMARY KEY AUTOINCREMENT,
  eoa          BLOB NOT NULL REFERENCES eoa,
  nonce        INTEGER NOT NULL,
  state        TEXT NOT NULL,   -- BUILT SIGNED ACCEPTED MINED FINAL | REVERTED CANCELLED
  block_hash   BLOB,
  block_number INTEGER,
  created_at   INTEGER NOT NULL,
  UNIQUE (eoa, nonce)
) STRICT;
CREATE INDEX lane_tx_state ON lane_tx (eoa, state, nonce);
CREATE INDEX lane_tx_block ON lane_tx (block_number) WHERE block_number IS NOT NULL;

-- A signed transaction: committed before it is sent, resent as the same bytes.
CREATE TABLE attempt (
  tx_hash          BLOB PRIMARY KEY,
  lane_tx_id       INTEGER NOT NULL REFERENCES lane_tx,
  raw              BLOB NOT NULL,
  max_fee          TEXT NOT NULL, -- wei per gas
  max_priority_fee TEXT NOT NULL,
  created_at       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX attempt_lane_tx ON attempt (lane_tx_id);

-- CHAIN

CREATE TABLE block (
  hash       BLOB PRIMARY KEY,
  number     INTEGER NOT NULL,
  parent     BLOB NOT NULL,
  block_time INTEGER NOT NULL,
  canonical  INTEGER NOT NULL -- 0: orphaned by a reorg; kept as evidence
) STRICT;
CREATE UNIQUE INDEX block_canonical ON block (number) WHERE canonical = 1;
CREATE INDEX block_orphaned ON block (number) WHERE canonical = 0;

CREATE TABLE chain_event (
  block_hash   BLOB NOT NULL REFERENCES block,
  log_index    INTEGER NOT NULL,
  block_number INTEGER NOT NULL,
  block_time   INTEGER NOT NULL,
  tx_hash      BLOB NOT NULL,
  address      BLOB NOT NULL,
  topics       BLOB NOT NULL,  -- one after the other
  data         BLOB NOT NULL,
  order_id     BLOB,           -- vault logs of an order
  account      BLOB,           -- logs of one of our accounts
  PRIMARY KEY (block_hash, log_index)
) STRICT, WITHOUT ROWID;
CREATE INDEX chain_event_order ON chain_event (order_id) WHERE order_id IS NOT NULL;
CREATE INDEX chain_event_account ON chain_event (account) WHERE account IS NOT NULL;

-- EVENTS

-- The one log behind every stream. Inserted unnumbered by whoever changes something; numbered after the commit, so that seq has no gaps.
CREATE TABLE event (
  row_id             INTEGER PRIMARY KEY AUTOINCREMENT,
  seq                INTEGER UNIQUE,
  event_id           TEXT NOT NULL UNIQUE,
  type               TEXT NOT NULL,
  default_audience   INTEGER NOT NULL, -- bits: 1 Requester, 2 Provider, 4 operator
  all_audience       INTEGER NOT NULL, -- the same, for subscribers that ask for audience=all
  requester_agent_id TEXT,
  provider_agent_id  TEXT,
  order_id           BLOB,
  block_hash         BLOB,             -- the block that caused it, for compensation
  body               TEXT NOT NULL,    -- the event's JSON without seq and cursor
  created_at         INTEGER NOT NULL
) STRICT;
CREATE INDEX event_requester ON event (requester_agent_id, seq);
CREATE INDEX event_provider ON event (provider_agent_id, seq);
CREATE INDEX event_block ON event (block_hash) WHERE block_hash IS NOT NULL;

CREATE TABLE event_head (
  id    INTEGER PRIMARY KEY CHECK (id = 1),
  epoch INTEGER NOT NULL, -- raised when a backup is restored: cursors from before are void
  seq   INTEGER NOT NULL
) STRICT;
INSERT INTO event_head (id, epoch, seq) VALUES (1, 1, 0);

-- What this database belongs to: a relayer with another chain or vault must not open it.
CREATE TABLE identity (
  id       INTEGER PRIMARY KEY CHECK (id = 1),
  chain_id INTEGER NOT NULL,
  vault    BLOB NOT NULL
) STRICT;

-- Where an order stands, as the API says it: its phase, or the step in flight.
CREATE VIEW order_book AS
SELECT o.order_id, o.public_id, o.negotiation_id, o.service_id, o.requester_agent_id, o.provider_agent_id, o.terms, o.created_at,
  coalesce(s.phase, 0) AS phase, s.deadline_time, s.deliverable_hash, s.to_provider, s.fee, s.refund, s.rejected_by, s.reason_hash,
  s.create_tx, s.created_time, s.pay_tx, s.paid_time, s.sla_deadline_time, s.deliver_tx, s.delivered_time, s.clear_tx, s.cleared_time,
  s.reject_tx, s.rejected_time, s.expire_tx, s.expired_time,
  r.text AS reject_reason,
  p.step AS pending_step, p.user_op_hash AS pending_user_op_hash, p.tx_hash AS pending_tx_hash, p.attempt AS pending_attempt,
  p.created_at AS pending_since,
  f.step AS failed_step, f.failure_code, f.failure_reason, f.user_op_hash AS failed_user_op_hash, f.tx_hash AS failed_tx_hash,
  f.updated_at AS failed_at,
  CASE coalesce(s.phase, 0)
    WHEN 5 THEN 'completed' WHEN 6 THEN 'rejected' WHEN 7 THEN 'expired'
    ELSE CASE p.step
      WHEN 'create' THEN 'creating' WHEN 'pay' THEN 'paying' WHEN 'deliver' THEN 'delivering'
      WHEN 'reject' THEN 'rejecting' WHEN 'expire' THEN 'expiring'
      ELSE CASE coalesce(s.phase, 0) WHEN 0 THEN 'create_failed' WHEN 1 THEN 'created' WHEN 2 THEN 'paid' WHEN 3 THEN 'delivered' ELSE 'disputed' END
    END
  END AS status
FROM orders o
LEFT JOIN order_state s ON s.order_id = o.order_id
LEFT JOIN reason r ON r.order_id = o.order_id AND r.reason_hash = s.reason_hash
LEFT JOIN operation p ON p.operation_id = (SELECT max(operation_id) FROM operation WHERE order_id = o.order_id AND live = 1)
LEFT JOIN operation f ON f.operation_id =
  (SELECT max(operation_id) FROM operation WHERE order_id = o.order_id AND live = 0 AND failure_code IS NOT NULL)
  AND NOT EXISTS (SELECT 1 FROM operation n WHERE n.order_id = o.order_id AND n.operation_id > f.operation_id AND n.failure_code IS NULL);
