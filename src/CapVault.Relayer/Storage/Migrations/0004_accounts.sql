-- What an operator's key may do. Bits: 1 read, 2 write, 4 support, 8 admin. An agent's key has none: it acts for its agent.
ALTER TABLE api_key ADD COLUMN scopes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE api_key ADD COLUMN name TEXT; -- for people
UPDATE api_key SET scopes = 15 WHERE agent_id IS NULL;
CREATE INDEX api_key_agent ON api_key (agent_id);

-- An Owner who signed in with a wallet. A row stays until it expires, also when it was revoked: its nonce is what makes a second login
-- with the same signature fail.
CREATE TABLE owner_session (
  session_id  TEXT PRIMARY KEY,
  owner       BLOB NOT NULL,
  secret_hash BLOB NOT NULL,        -- SHA-256; compared in constant time
  nonce       TEXT NOT NULL UNIQUE, -- of the EIP-4361 message that was signed
  created_at  INTEGER NOT NULL,
  expires_at  INTEGER NOT NULL,
  revoked_at  INTEGER
) STRICT;
CREATE INDEX owner_session_expiry ON owner_session (expires_at);

ALTER TABLE agent ADD COLUMN description TEXT;
ALTER TABLE agent ADD COLUMN tags TEXT NOT NULL DEFAULT '';        -- with a space before and after each
ALTER TABLE agent ADD COLUMN paused INTEGER NOT NULL DEFAULT 0;    -- 1: takes no new negotiations
ALTER TABLE agent ADD COLUMN search_text TEXT NOT NULL DEFAULT ''; -- name, description and tags in lower case: databases differ in how they fold letters
UPDATE agent SET search_text = lower(name);
CREATE INDEX agent_owner ON agent (owner, created_at);

ALTER TABLE service ADD COLUMN requirement_type TEXT NOT NULL DEFAULT 'text'; -- text, schema, none
ALTER TABLE service ADD COLUMN requirements_schema TEXT;                      -- JSON Schema
ALTER TABLE service ADD COLUMN deliverable_schema TEXT;                       -- JSON Schema
ALTER TABLE service ADD COLUMN tags TEXT NOT NULL DEFAULT '';                 -- with a space before and after each
ALTER TABLE service ADD COLUMN search_text TEXT NOT NULL DEFAULT '';
UPDATE service SET search_text = lower(name || ' ' || coalesce(description, ''));
CREATE INDEX service_agent ON service (agent_id);

-- The tags of each service's newest version, one by one, to be counted.
CREATE TABLE service_tag (
  tag        TEXT NOT NULL,
  service_id TEXT NOT NULL,
  PRIMARY KEY (tag, service_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX service_tag_service ON service_tag (service_id);
