-- What Owners make their agents' accounts do, signed by themselves: operations of an account with neither order nor step, in nonce lane 0.
CREATE INDEX operation_of_owner ON operation (sender) WHERE order_id IS NULL AND sender IS NOT NULL;

-- The Owner's one: what is prepared later takes its place in the lane, and so replaces it.
CREATE UNIQUE INDEX prepared_operation_of_owner ON prepared_operation (agent_id) WHERE order_id IS NULL;

-- Every Executor that an agent was made with, and those that were made here for it to change to. The first row is the one that its account begins
-- with; agent.executor is the one that the chain says (ExecutorSet), and agent.executor_key is empty where its key is not in here.
CREATE TABLE executor (
  agent_id     TEXT NOT NULL REFERENCES agent,
  address      BLOB NOT NULL,
  executor_key BLOB NOT NULL,             -- encrypted; empty: it stays with the agent
  used         INTEGER NOT NULL DEFAULT 0, -- 0: not set on chain yet
  PRIMARY KEY (agent_id, address)
) STRICT;
INSERT INTO executor (agent_id, address, executor_key, used) SELECT agent_id, executor, executor_key, 1 FROM agent;
