-- The database roles of the services, for psql 15 or newer, by a superuser, in the database that the services use. It reads the
-- passwords from the environment, never from arguments, which every user of the machine can read:
--
--   export GROUNDPLAN_SCHEMA_PASSWORD GROUNDPLAN_RECORDS_PASSWORD
--   psql -d groundplan -f deploy/postgres/roles.sql
--
-- Each service has a role that owns only its own PostgreSQL schemas, so that it cannot read or change those of the other.
-- Running it again changes only the passwords.
\set ON_ERROR_STOP on
\set schema_password ''
\set records_password ''
\getenv schema_password GROUNDPLAN_SCHEMA_PASSWORD
\getenv records_password GROUNDPLAN_RECORDS_PASSWORD
SELECT :'schema_password' = '' OR :'records_password' = '' AS missing \gset
\if :missing
    DO $$ BEGIN RAISE EXCEPTION 'set both passwords in the environment: GROUNDPLAN_SCHEMA_PASSWORD and GROUNDPLAN_RECORDS_PASSWORD'; END $$;
\endif
BEGIN;

SELECT 'CREATE ROLE groundplan_schema' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'groundplan_schema') \gexec
SELECT 'CREATE ROLE groundplan_records' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'groundplan_records') \gexec
ALTER ROLE groundplan_schema LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'schema_password';
ALTER ROLE groundplan_records LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD :'records_password';

-- No other role can connect.
SELECT current_database() AS database \gset
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO groundplan_schema;
-- records creates a schema for each package of models, the extension pg_trgm for models with trigram indexes, and temporary
-- tables for imports.
GRANT CONNECT, CREATE, TEMPORARY ON DATABASE :"database" TO groundplan_records;

CREATE SCHEMA IF NOT EXISTS groundplan_schema AUTHORIZATION groundplan_schema;
CREATE SCHEMA IF NOT EXISTS groundplan_records AUTHORIZATION groundplan_records;

-- The services parse PostgreSQL's messages in English; if the server uses another language, they set it themselves.
GRANT SET ON PARAMETER lc_messages TO groundplan_schema, groundplan_records;

COMMIT;
