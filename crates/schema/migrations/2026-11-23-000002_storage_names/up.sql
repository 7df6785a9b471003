CREATE TABLE storage_names (
    message text COLLATE "C" NOT NULL,
    number integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    first_revision bigint NOT NULL,
    CONSTRAINT storage_names_pkey PRIMARY KEY (message, number),
    -- Two fields of one message in one column would be lost data: the database itself refuses it.
    CONSTRAINT storage_names_name_key UNIQUE (message, name),
    CONSTRAINT storage_names_first_revision_fkey FOREIGN KEY (first_revision) REFERENCES revisions (number)
);

COMMENT ON TABLE storage_names IS 'What a field is called in the database, for ever: rows are only added, also by an apply that fails later.';
COMMENT ON COLUMN storage_names.message IS 'The message''s full name.';
COMMENT ON COLUMN storage_names.number IS 'The field''s number.';
COMMENT ON COLUMN storage_names.name IS 'The column, or the key inside jsonb.';
COMMENT ON COLUMN storage_names.first_revision IS 'The revision that fixed the name.';
