-- An agent that has ever opened a stream is online or offline; without a row it is a draft.
CREATE TABLE agent_presence (
  agent_id          TEXT PRIMARY KEY REFERENCES agent,
  last_connected_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
