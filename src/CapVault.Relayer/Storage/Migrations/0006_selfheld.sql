-- Agents whose Executor stays with them. No column says so, what is missing does:
--   agent.executor_key is empty: the key was never here. The agent signs consents and operations itself.
--   negotiation.requester_signature is empty: such a Requester has not consented yet, and the Provider does not see the negotiation.

-- An order of a Requester that holds its Executor is created by the relayer's own transaction: operation.kind is create, operation.step too.

-- 1: the operation came with its Executor's signature, over its nonce and its validity. It cannot be signed anew, only ended.
ALTER TABLE operation ADD COLUMN client_signed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX operation_client_signed ON operation (state) WHERE client_signed = 1 AND live = 1;

-- Operations that are sponsored and wait for their Executor's signature. Submitting one makes it a row of operation and deletes it here, in one
-- transaction: it cannot be submitted twice.
CREATE TABLE prepared_operation (
  user_op_hash BLOB PRIMARY KEY,
  agent_id     TEXT NOT NULL REFERENCES agent,
  order_id     BLOB,             -- the order that it is a step of
  step         TEXT,             -- pay deliver reject
  nonce_key    INTEGER NOT NULL,
  nonce_seq    INTEGER NOT NULL, -- not reserved: whichever operation of the lane is submitted first has the place
  user_op      BLOB NOT NULL,    -- packed, complete but for its signature
  valid_until  INTEGER NOT NULL, -- the sponsor's signature, unix seconds of chain time
  request      BLOB NOT NULL,    -- what was asked for, UTF-8 JSON: the deliverable or the reason, kept for the submit
  created_at   INTEGER NOT NULL
) STRICT;
-- A step that is prepared again replaces what was prepared before. A party cannot replace the other's: both may reject an order.
CREATE UNIQUE INDEX prepared_operation_step ON prepared_operation (agent_id, order_id, step) WHERE order_id IS NOT NULL;
