-- AddModel example.v1.Entity: serve example.v1.Entity as example.v1.EntityService and at /api/v1/resource, stored in example_v1.entity
CREATE SCHEMA IF NOT EXISTS "example_v1";
CREATE TABLE IF NOT EXISTS "example_v1"."entity" (
  "_tenant" text COLLATE "C" NOT NULL,
  "_version" bigint NOT NULL,
  "id" uuid NOT NULL,
  "field1" text COLLATE "C" NOT NULL DEFAULT '',
  "field2" double precision NOT NULL DEFAULT 0,
  "created_at" timestamptz NOT NULL DEFAULT now(),
  "updated_at" timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT "entity_key_422940f7" PRIMARY KEY ("_tenant", "id")
);
ALTER TABLE "example_v1"."entity"
  ADD COLUMN IF NOT EXISTS "field1" text COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS "field2" double precision NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS "created_at" timestamptz NOT NULL DEFAULT now(),
  ADD COLUMN IF NOT EXISTS "updated_at" timestamptz NOT NULL DEFAULT now();
COMMENT ON TABLE "example_v1"."entity" IS 'A thing with a name and a number.';
COMMENT ON COLUMN "example_v1"."entity"."id" IS 'The entity''s id: a UUID, made by the server unless the caller gives one.';
COMMENT ON COLUMN "example_v1"."entity"."field1" IS 'The entity''s name. Required.';
COMMENT ON COLUMN "example_v1"."entity"."field2" IS 'The entity''s number.';
COMMENT ON COLUMN "example_v1"."entity"."created_at" IS 'When the entity was created. Set by the server.';
COMMENT ON COLUMN "example_v1"."entity"."updated_at" IS 'When the entity was last changed. Set by the server.';

-- AddIndex example_v1.entity_field1_cf315fe1: build an index of example.v1.Entity on field1: looked up by name
CREATE INDEX IF NOT EXISTS "entity_field1_cf315fe1" ON "example_v1"."entity" ("_tenant", "field1", "id");
COMMENT ON INDEX "example_v1"."entity_field1_cf315fe1" IS 'looked up by name';

-- AddIndex example_v1.entity_created_at_8175f72a: build an index of example.v1.Entity on created_at: newest first
CREATE INDEX IF NOT EXISTS "entity_created_at_8175f72a" ON "example_v1"."entity" ("_tenant", "created_at", "id");
COMMENT ON INDEX "example_v1"."entity_created_at_8175f72a" IS 'newest first';

