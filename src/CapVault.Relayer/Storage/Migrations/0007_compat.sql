-- COMPAT

-- Up to where a key has received the events of CROO's socket: its next connection goes on from there.
CREATE TABLE compat_cursor (
  key_id     TEXT PRIMARY KEY REFERENCES api_key,
  seq        INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
