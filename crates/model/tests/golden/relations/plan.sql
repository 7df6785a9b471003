-- AddModel crm.v1.Customer: serve crm.v1.Customer as crm.v1.CustomerService and at /api/v1/customers, stored in crm_v1.customer
CREATE SCHEMA IF NOT EXISTS "crm_v1";
CREATE TABLE IF NOT EXISTS "crm_v1"."customer" (
  "_tenant" text COLLATE "C" NOT NULL,
  "_version" bigint NOT NULL,
  "id" uuid NOT NULL,
  "name" text COLLATE "C" NOT NULL DEFAULT '',
  "recommended_by_id" uuid,
  CONSTRAINT "customer_key_2b99a747" PRIMARY KEY ("_tenant", "id")
);
ALTER TABLE "crm_v1"."customer"
  ADD COLUMN IF NOT EXISTS "name" text COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS "recommended_by_id" uuid;
COMMENT ON TABLE "crm_v1"."customer" IS 'Somebody who buys.';
COMMENT ON COLUMN "crm_v1"."customer"."name" IS 'The name.';
COMMENT ON COLUMN "crm_v1"."customer"."recommended_by_id" IS 'Who brought the customer.';

-- AddIndex crm_v1.customer_name_trigram_8addfdc3: build a trigram index for crm.v1.Customer on name: half-remembered names
CREATE SCHEMA IF NOT EXISTS "groundplan_extensions";
CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA "groundplan_extensions";
CREATE INDEX IF NOT EXISTS "customer_name_trigram_8addfdc3" ON "crm_v1"."customer" USING gin ("name" "groundplan_extensions".gin_trgm_ops);
COMMENT ON INDEX "crm_v1"."customer_name_trigram_8addfdc3" IS 'half-remembered names';

-- AddIndex crm_v1.customer_name_86855b2b: build an index for crm.v1.Customer on name: the address book
CREATE INDEX IF NOT EXISTS "customer_name_86855b2b" ON "crm_v1"."customer" ("_tenant", "name", "id");
COMMENT ON INDEX "crm_v1"."customer_name_86855b2b" IS 'the address book';

-- AddIndex crm_v1.customer_recommended_by_id_475772bc: build an index for crm.v1.Customer on recommended_by_id: implied by the reference to crm.v1.Customer
CREATE INDEX IF NOT EXISTS "customer_recommended_by_id_475772bc" ON "crm_v1"."customer" ("_tenant", "recommended_by_id", "id");
COMMENT ON INDEX "crm_v1"."customer_recommended_by_id_475772bc" IS 'implied by the reference to crm.v1.Customer';

-- AddModel shop.v1.Order: serve shop.v1.Order as shop.v1.OrderService and at /api/v1/orders, stored in shop_v1.order
CREATE SCHEMA IF NOT EXISTS "shop_v1";
CREATE TABLE IF NOT EXISTS "shop_v1"."order" (
  "_tenant" text COLLATE "C" NOT NULL,
  "_version" bigint NOT NULL,
  "id" uuid NOT NULL,
  "customer_id" uuid,
  "warehouse" text COLLATE "C",
  "priority" bigint NOT NULL DEFAULT 0,
  "note" text COLLATE "C" NOT NULL DEFAULT '',
  "tags" text[] COLLATE "C" NOT NULL DEFAULT '{}',
  CONSTRAINT "order_key_cf9cd903" PRIMARY KEY ("_tenant", "id")
);
ALTER TABLE "shop_v1"."order"
  ADD COLUMN IF NOT EXISTS "customer_id" uuid,
  ADD COLUMN IF NOT EXISTS "warehouse" text COLLATE "C",
  ADD COLUMN IF NOT EXISTS "priority" bigint NOT NULL DEFAULT 0,
  ADD COLUMN IF NOT EXISTS "note" text COLLATE "C" NOT NULL DEFAULT '',
  ADD COLUMN IF NOT EXISTS "tags" text[] COLLATE "C" NOT NULL DEFAULT '{}';
COMMENT ON TABLE "shop_v1"."order" IS 'What a customer wants.';
COMMENT ON COLUMN "shop_v1"."order"."customer_id" IS 'Who wants it.';
COMMENT ON COLUMN "shop_v1"."order"."warehouse" IS 'From where it is sent.';

-- AddIndex shop_v1.order_warehouse_priority_9ecda2a5: build an index for shop.v1.Order on warehouse, priority desc: what to send first
CREATE INDEX IF NOT EXISTS "order_warehouse_priority_9ecda2a5" ON "shop_v1"."order" ("_tenant", "warehouse", "priority" DESC, "id");
COMMENT ON INDEX "shop_v1"."order_warehouse_priority_9ecda2a5" IS 'what to send first';

-- AddIndex shop_v1.order_note_search_german_c1522330: build a text search index (german) for shop.v1.Order on note
CREATE INDEX IF NOT EXISTS "order_note_search_german_c1522330" ON "shop_v1"."order" USING gin (to_tsvector('german'::regconfig, "note"));

-- AddIndex shop_v1.order_note_search_simple_61eb3c1b: build a text search index (simple) for shop.v1.Order on note
CREATE INDEX IF NOT EXISTS "order_note_search_simple_61eb3c1b" ON "shop_v1"."order" USING gin (to_tsvector('simple'::regconfig, "note"));

-- AddIndex shop_v1.order_tags_elements_e2778c78: build an element index for shop.v1.Order on tags: orders with a tag
CREATE INDEX IF NOT EXISTS "order_tags_elements_e2778c78" ON "shop_v1"."order" USING gin ("tags");
COMMENT ON INDEX "shop_v1"."order_tags_elements_e2778c78" IS 'orders with a tag';

-- AddIndex shop_v1.order_customer_id_e5b96ad8: build an index for shop.v1.Order on customer_id: implied by the reference to crm.v1.Customer
CREATE INDEX IF NOT EXISTS "order_customer_id_e5b96ad8" ON "shop_v1"."order" ("_tenant", "customer_id", "id");
COMMENT ON INDEX "shop_v1"."order_customer_id_e5b96ad8" IS 'implied by the reference to crm.v1.Customer';

-- AddModel shop.v1.Warehouse: serve shop.v1.Warehouse as shop.v1.WarehouseService and at /api/v1/warehouses, stored in shop_v1.warehouse
CREATE SCHEMA IF NOT EXISTS "shop_v1";
CREATE TABLE IF NOT EXISTS "shop_v1"."warehouse" (
  "_tenant" text COLLATE "C" NOT NULL,
  "_version" bigint NOT NULL,
  "id" text COLLATE "C" NOT NULL,
  CONSTRAINT "warehouse_key_54f76b70" PRIMARY KEY ("_tenant", "id")
);
COMMENT ON TABLE "shop_v1"."warehouse" IS 'A shelf mark.';

-- AddReference crm.v1.Customer.recommended_by_id: enforce that recommended_by_id of crm.v1.Customer references existing records of crm.v1.Customer
ALTER TABLE "crm_v1"."customer" ADD CONSTRAINT "customer_recommended_by_id_exists_8cddd85c" FOREIGN KEY ("_tenant", "recommended_by_id") REFERENCES "crm_v1"."customer" ("_tenant", "id") ON DELETE SET NULL ("recommended_by_id") DEFERRABLE INITIALLY IMMEDIATE;

-- AddReference shop.v1.Order.customer_id: enforce that customer_id of shop.v1.Order references existing records of crm.v1.Customer
ALTER TABLE "shop_v1"."order" ADD CONSTRAINT "order_customer_id_exists_0192f5ca" FOREIGN KEY ("_tenant", "customer_id") REFERENCES "crm_v1"."customer" ("_tenant", "id") ON DELETE CASCADE DEFERRABLE INITIALLY IMMEDIATE;

-- AddReference shop.v1.Order.warehouse: enforce that warehouse of shop.v1.Order references existing records of shop.v1.Warehouse
ALTER TABLE "shop_v1"."order" ADD CONSTRAINT "order_warehouse_exists_50a8aadc" FOREIGN KEY ("_tenant", "warehouse") REFERENCES "shop_v1"."warehouse" ("_tenant", "id") ON DELETE NO ACTION DEFERRABLE INITIALLY IMMEDIATE;

