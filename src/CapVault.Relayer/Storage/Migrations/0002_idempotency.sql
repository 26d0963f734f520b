-- What was called with an Idempotency-Key. A row is committed with the effect of its call, never before and never after; the answer
-- follows once the outcome is proven.
CREATE TABLE idempotency (
  scope        TEXT NOT NULL,    -- whose key it is: agt_…, an Owner's 0x…, or operator with its scopes
  key          TEXT NOT NULL,    -- chosen by the caller
  fingerprint  BLOB NOT NULL,    -- SHA-256 of method, path and canonical body
  method       TEXT NOT NULL,
  path         TEXT NOT NULL,
  operation_id INTEGER,          -- what the call started or joined: while it is live, the outcome is open
  made         BLOB,             -- AES-256-GCM: what the call made, an id or a secret; a repeat finds its result by it
  status       INTEGER,          -- HTTP status of the answer
  answer       BLOB,             -- AES-256-GCM: the answer's body, which may show a key
  created_at   INTEGER NOT NULL,
  PRIMARY KEY (scope, key)
) STRICT;
CREATE INDEX idempotency_age ON idempotency (created_at);
