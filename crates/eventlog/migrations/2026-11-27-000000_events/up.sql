-- Without a cache, so that numbers are drawn in the order of time: the tail depends on it.
CREATE SEQUENCE events_position AS bigint CACHE 1;

CREATE TABLE events (
    position bigint NOT NULL,
    part integer NOT NULL,
    is_last boolean NOT NULL,
    appended_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    tenant text COLLATE "C" NOT NULL,
    topic text COLLATE "C" NOT NULL,
    key text COLLATE "C" NOT NULL,
    kind smallint NOT NULL,
    payload bytea NOT NULL,
    -- A partitioned table's key has the column that it is partitioned by.
    CONSTRAINT events_pkey PRIMARY KEY (position, part, appended_at)
) PARTITION BY RANGE (appended_at);

COMMENT ON TABLE events IS 'The event log: appended to in the transaction of each change, in partitions by time, which are made ahead and dropped whole.';
COMMENT ON COLUMN events.position IS 'Of the append: drawn once for all of its events, after the lock on this table is held. Those that were rolled back are missing.';
COMMENT ON COLUMN events.part IS 'Counts the events of one position from 0.';
COMMENT ON COLUMN events.is_last IS 'Whether it is the last one of its position.';
COMMENT ON COLUMN events.transaction IS 'By which a snapshot tells whether it contains the change.';
COMMENT ON COLUMN events.tenant IS 'Whose it is; empty for what belongs to no tenant.';
COMMENT ON COLUMN events.topic IS 'What kind of thing changed.';
COMMENT ON COLUMN events.key IS 'Which one.';
COMMENT ON COLUMN events.kind IS 'What happened: groundplan.watch.v1.ChangeKind.';
COMMENT ON COLUMN events.payload IS 'A protobuf message of the service.';

CREATE TABLE event_log (
    only_row boolean NOT NULL DEFAULT true,
    identity uuid NOT NULL,
    token_key bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    dropped_through bigint NOT NULL DEFAULT 0,
    CONSTRAINT event_log_pkey PRIMARY KEY (only_row),
    CONSTRAINT event_log_has_one_row CHECK (only_row)
);

COMMENT ON TABLE event_log IS 'What the log is, in one row.';
COMMENT ON COLUMN event_log.identity IS 'Made with the log: another log is another identity.';
COMMENT ON COLUMN event_log.token_key IS 'Seals the tokens of the log.';
COMMENT ON COLUMN event_log.created_at IS 'From when on every change is appended.';
COMMENT ON COLUMN event_log.dropped_through IS 'Events up to this position may be dropped. It is written before they are.';

CREATE TABLE event_consumers (
    name text COLLATE "C" NOT NULL,
    position bigint NOT NULL,
    CONSTRAINT event_consumers_pkey PRIMARY KEY (name)
);

COMMENT ON TABLE event_consumers IS 'How far those are who read the whole log into tables of this database. Nothing behind the last of them is dropped.';
COMMENT ON COLUMN event_consumers.position IS 'Everything up to it is done.';
