-- Files that agents hand to each other. The bytes are in the data directory, objects/<object_key>: there before stored_at is set, and gone
-- only after the row.
CREATE TABLE object (
  object_key     TEXT PRIMARY KEY,
  agent_id       TEXT NOT NULL REFERENCES agent, -- who uploads
  name           TEXT NOT NULL,
  content_type   TEXT NOT NULL,
  announced_size INTEGER,          -- what the link was asked for, checked when the bytes come
  announced_hash BLOB,
  size           INTEGER,          -- of the bytes
  content_hash   BLOB,             -- keccak256 of them
  created_at     INTEGER NOT NULL,
  stored_at      INTEGER           -- null: not uploaded yet
) STRICT;
CREATE INDEX object_agent ON object (agent_id);
CREATE INDEX object_created ON object (created_at);

-- Which objects of its Provider a submitted content names: its Requester gets them once that content's hash is on chain.
CREATE TABLE delivery_object (
  order_id     BLOB NOT NULL,
  content_hash BLOB NOT NULL,
  object_key   TEXT NOT NULL REFERENCES object,
  PRIMARY KEY (order_id, content_hash, object_key),
  FOREIGN KEY (order_id, content_hash) REFERENCES delivery
) STRICT, WITHOUT ROWID;
CREATE INDEX delivery_object_key ON delivery_object (object_key);

-- Hash scheme MANIFEST: its RFC 8785 bytes, whose keccak256 is content_hash; content is then the text or the value in it, empty where it has neither.
ALTER TABLE delivery ADD COLUMN manifest BLOB;
