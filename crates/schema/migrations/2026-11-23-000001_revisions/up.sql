CREATE TABLE revisions (
    number bigint NOT NULL,
    state smallint NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    descriptor_set bytea NOT NULL,
    steps jsonb NOT NULL,
    failure text,
    lease_until timestamptz,
    CONSTRAINT revisions_pkey PRIMARY KEY (number),
    CONSTRAINT revisions_number_is_positive CHECK (number > 0),
    CONSTRAINT revisions_state_is_known CHECK (state IN (1, 2, 3)),
    CONSTRAINT revisions_lease_while_preparing CHECK ((state = 1) = (lease_until IS NOT NULL))
);

-- Two applies at once: the second insert meets this index, and the constraint's name tells the code what happened.
CREATE UNIQUE INDEX revisions_one_preparing ON revisions (state) WHERE state = 1;

COMMENT ON TABLE revisions IS 'Everything that was ever applied, each time whole. The live revision is the largest number in state 2.';
COMMENT ON COLUMN revisions.number IS 'Counts 1, 2, 3 …; the number of a failed apply is not used again.';
COMMENT ON COLUMN revisions.state IS '1 preparing: its storage is being made; 2 live: is served, or was; 3 failed. As groundplan.schema.v1.RevisionState.';
COMMENT ON COLUMN revisions.updated_at IS 'When the state last changed, or the lease was last renewed.';
COMMENT ON COLUMN revisions.descriptor_set IS 'A serialized google.protobuf.FileDescriptorSet: the models, what they import, and the derived services.';
COMMENT ON COLUMN revisions.steps IS 'The plan that led here: an array of {kind, subject, description, sql}.';
COMMENT ON COLUMN revisions.failure IS 'Why it failed, if it did.';
COMMENT ON COLUMN revisions.lease_until IS 'While preparing: when the apply counts as dead unless it renews this. The next apply then takes over.';
