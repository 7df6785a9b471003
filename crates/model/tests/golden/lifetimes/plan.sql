-- AddModel clinic.v1.Patient: serve clinic.v1.Patient as clinic.v1.PatientService and at /api/v1/patients, stored in clinic_v1.patient
CREATE SCHEMA IF NOT EXISTS "clinic_v1";
CREATE TABLE IF NOT EXISTS "clinic_v1"."patient" (
  "_tenant" text COLLATE "C" NOT NULL,
  "_version" bigint NOT NULL,
  "id" uuid NOT NULL,
  "name" text COLLATE "C" NOT NULL DEFAULT '',
  "delete_time" timestamptz,
  CONSTRAINT "patient_key_d56de720" PRIMARY KEY ("_tenant", "id")
);
ALTER TABLE "clinic_v1"."patient"
  ADD COLUMN IF NOT EXISTS "name" text COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS "delete_time" timestamptz;
COMMENT ON TABLE "clinic_v1"."patient" IS 'Somebody who comes.';

-- AddIndex clinic_v1.patient_delete_time_purge_e92a5572: build a purge index for clinic.v1.Patient on delete_time: implied by soft_delete
CREATE INDEX IF NOT EXISTS "patient_delete_time_purge_e92a5572" ON "clinic_v1"."patient" ("delete_time") WHERE "delete_time" IS NOT NULL;
COMMENT ON INDEX "clinic_v1"."patient_delete_time_purge_e92a5572" IS 'implied by soft_delete';

-- AddModel clinic.v1.Visit: serve clinic.v1.Visit as clinic.v1.VisitService and at /api/v1/visits, stored in clinic_v1.visit
CREATE SCHEMA IF NOT EXISTS "clinic_v1";
CREATE TABLE IF NOT EXISTS "clinic_v1"."visit" (
  "_tenant" text COLLATE "C" NOT NULL,
  "_version" bigint NOT NULL,
  "id" uuid NOT NULL,
  "code" text COLLATE "C" NOT NULL DEFAULT '',
  "patient" uuid,
  "minutes" bigint NOT NULL DEFAULT 0,
  "hours" double precision NOT NULL DEFAULT 0,
  "deleted_at" timestamptz,
  "until" timestamptz,
  CONSTRAINT "visit_key_dbcf4224" PRIMARY KEY ("_tenant", "id")
);
ALTER TABLE "clinic_v1"."visit"
  ADD COLUMN IF NOT EXISTS "code" text COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS "patient" uuid,
  ADD COLUMN IF NOT EXISTS "minutes" bigint NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS "hours" double precision NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS "deleted_at" timestamptz,
  ADD COLUMN IF NOT EXISTS "until" timestamptz;
COMMENT ON TABLE "clinic_v1"."visit" IS 'A visit.';
COMMENT ON COLUMN "clinic_v1"."visit"."code" IS 'What it is called at the desk.';

-- AddIndex clinic_v1.visit_code_living_eb0c0b39: build a unique index for clinic.v1.Visit on code: what the desk asks for
CREATE UNIQUE INDEX IF NOT EXISTS "visit_code_living_eb0c0b39" ON "clinic_v1"."visit" ("_tenant", "code") WHERE "deleted_at" IS NULL;
COMMENT ON INDEX "clinic_v1"."visit_code_living_eb0c0b39" IS 'what the desk asks for';

-- AddIndex clinic_v1.visit_patient_code_living_152ac650: build a unique index for clinic.v1.Visit on patient, code
CREATE UNIQUE INDEX IF NOT EXISTS "visit_patient_code_living_152ac650" ON "clinic_v1"."visit" ("_tenant", "patient", "code") WHERE "deleted_at" IS NULL;

-- AddIndex clinic_v1.visit_patient_462fc83f: build an index for clinic.v1.Visit on patient: implied by the reference to clinic.v1.Patient
CREATE INDEX IF NOT EXISTS "visit_patient_462fc83f" ON "clinic_v1"."visit" ("_tenant", "patient", "id");
COMMENT ON INDEX "clinic_v1"."visit_patient_462fc83f" IS 'implied by the reference to clinic.v1.Patient';

-- AddIndex clinic_v1.visit_deleted_at_purge_9686df73: build a purge index for clinic.v1.Visit on deleted_at: implied by soft_delete
CREATE INDEX IF NOT EXISTS "visit_deleted_at_purge_9686df73" ON "clinic_v1"."visit" ("deleted_at") WHERE "deleted_at" IS NOT NULL;
COMMENT ON INDEX "clinic_v1"."visit_deleted_at_purge_9686df73" IS 'implied by soft_delete';

-- AddIndex clinic_v1.visit_until_purge_33418829: build a purge index for clinic.v1.Visit on until: implied by expiry
CREATE INDEX IF NOT EXISTS "visit_until_purge_33418829" ON "clinic_v1"."visit" ("until") WHERE "until" IS NOT NULL;
COMMENT ON INDEX "clinic_v1"."visit_until_purge_33418829" IS 'implied by expiry';

-- AddReference clinic.v1.Visit.patient: enforce that patient of clinic.v1.Visit references existing records of clinic.v1.Patient
ALTER TABLE "clinic_v1"."visit" ADD CONSTRAINT "visit_patient_exists_bef2e03c" FOREIGN KEY ("_tenant", "patient") REFERENCES "clinic_v1"."patient" ("_tenant", "id") ON DELETE CASCADE DEFERRABLE INITIALLY IMMEDIATE;

