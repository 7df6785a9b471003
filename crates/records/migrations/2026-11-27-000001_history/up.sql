CREATE TABLE history (
    tenant text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    part integer NOT NULL,
    kind smallint NOT NULL,
    time timestamptz NOT NULL,
    payload bytea NOT NULL,
    CONSTRAINT history_pkey PRIMARY KEY (tenant, topic, key, position, part)
);
CREATE INDEX history_by_age ON history (topic, time);

COMMENT ON TABLE history IS 'What the event log said of models that keep a history, for longer than the log does. Copied from it in order.';
COMMENT ON COLUMN history.time IS 'When it was written, by the writer''s clock.';

CREATE TABLE history_models (
    topic text COLLATE "C" NOT NULL,
    since timestamptz NOT NULL,
    CONSTRAINT history_models_pkey PRIMARY KEY (topic)
);

COMMENT ON TABLE history_models IS 'The models that keep a history.';
COMMENT ON COLUMN history_models.since IS 'From when on every change is there.';
