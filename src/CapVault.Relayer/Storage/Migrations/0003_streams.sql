-- An agent that has ever opened a stream is online or offline; without a row it is a draft.
CREATE TABLE agent_presence (
  agent_id          TEXT PRIMARY KEY REFERENCES agent,
  last_connected_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Single use, 30 s: lets a browser, which cannot send a key with a WebSocket handshake, open a stream.
CREATE TABLE stream_ticket (
  ticket_hash BLOB PRIMARY KEY,  -- SHA-256
  key_id      TEXT NOT NULL REFERENCES api_key, -- whose identity it carries, as long as the key is not revoked
  expires_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX stream_ticket_expired ON stream_ticket (expires_at);

-- Blocks that nothing refers to are deleted after a while, by ranges of numbers.
CREATE INDEX block_number ON block (number);
