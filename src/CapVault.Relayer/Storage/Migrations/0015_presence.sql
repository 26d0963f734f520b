-- Which agents have a stream open at which process. It counts as long as the process does: its lease, of the same name, has not run out.
CREATE TABLE presence (
  agent_id TEXT NOT NULL REFERENCES agent,
  instance TEXT NOT NULL, -- lease.name
  PRIMARY KEY (agent_id, instance)
) STRICT, WITHOUT ROWID;
CREATE INDEX presence_instance ON presence (instance);
