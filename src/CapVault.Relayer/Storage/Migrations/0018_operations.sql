-- The trace of the request that an operation comes from (W3C traceparent), where it is kept: what becomes of it on chain is told under it, also by
-- another process.
ALTER TABLE operation ADD COLUMN trace_parent TEXT;
