CREATE TABLE prepared (
    revision bigint PRIMARY KEY,
    digest bytea NOT NULL,
    prepared_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE prepared IS 'Revisions whose tables, columns and indexes are complete.';
COMMENT ON COLUMN prepared.digest IS 'SHA-256 of the revision''s descriptor set, so that another revision of the same number is noticed.';
