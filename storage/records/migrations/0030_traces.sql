-- The trace that an upload belongs to, as the span of the request that made it has it (W3C Trace Context). Null: none.
-- oldest_program: 0029
alter table uploads
    add column traceparent text collate "C",
    add column tracestate text collate "C";  -- of the caller's tracing system, passed on as it was sent
