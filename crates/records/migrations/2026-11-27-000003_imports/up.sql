CREATE TABLE imports (
    tenant text COLLATE "C" NOT NULL,
    principal text COLLATE "C" NOT NULL,
    id text COLLATE "C" NOT NULL,
    settings bytea NOT NULL,
    rows bigint NOT NULL DEFAULT 0,
    digest bytea NOT NULL DEFAULT '',
    report bytea NOT NULL DEFAULT '',
    is_complete boolean NOT NULL DEFAULT false,
    changed_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT imports_pkey PRIMARY KEY (tenant, principal, id)
);
CREATE INDEX imports_by_age ON imports (changed_at);

COMMENT ON TABLE imports IS 'How far imports came that can be sent again. Written in the transaction of each part; removed after 24 hours.';
COMMENT ON COLUMN imports.settings IS 'SHA-256 of the header.';
COMMENT ON COLUMN imports.rows IS 'How many rows are done.';
COMMENT ON COLUMN imports.digest IS 'SHA-256 of those rows, so that other ones under the same id are noticed.';
COMMENT ON COLUMN imports.report IS 'What became of them: groundplan.records.v1.ImportResponse.';
