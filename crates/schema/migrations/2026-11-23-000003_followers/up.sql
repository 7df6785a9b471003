CREATE TABLE followers (
    id text COLLATE "C" NOT NULL,
    serving bigint NOT NULL,
    preparing bigint NOT NULL,
    steps_done integer NOT NULL,
    message text NOT NULL,
    done boolean NOT NULL,
    failure text NOT NULL,
    seen_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT followers_pkey PRIMARY KEY (id)
);

COMMENT ON TABLE followers IS 'The records processes, as they last reported. Rows not renewed for a minute are deleted by the next report.';
COMMENT ON COLUMN followers.id IS 'What the process calls itself: its host, its process, and something random.';
COMMENT ON COLUMN followers.serving IS 'The revision it serves; 0 for none.';
COMMENT ON COLUMN followers.preparing IS 'The revision whose storage it makes or has made; 0 for none. The next four columns are about it.';
COMMENT ON COLUMN followers.steps_done IS 'Steps done.';
COMMENT ON COLUMN followers.message IS 'What is being done now, for people.';
COMMENT ON COLUMN followers.done IS 'All steps are done.';
COMMENT ON COLUMN followers.failure IS 'Why the storage cannot be made; empty if nothing failed.';
COMMENT ON COLUMN followers.seen_at IS 'When it last reported.';
