-- The database roles of the services, for psql 15 or newer, by a superuser, in the database that the services use. It takes the passwords
-- from the environment, and never from arguments, which every user of the machine can read:
--
--   export GROUNDPLAN_SCHEMA_PASSWORD GROUNDPLAN_RECORDS_PASSWORD
--   psql -d groundplan -f deploy/postgres/roles.sql
--
-- Each service has a role that owns only its own PostgreSQL schemas, so that one cannot read or change what is another's.
-- Running it again changes the passwords, and nothing else.
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

-- Nobody else comes in.
SELECT current_database() AS database \gset
REVOKE ALL ON DATABASE :"database" FROM PUBLIC;
GRANT CONNECT ON DATABASE :"database" TO groundplan_schema;
-- records makes a schema for each package of models, the extension pg_trgm where a model searches in texts, and imports by way of
-- temporary tables.
GRANT CONNECT, CREATE, TEMPORARY ON DATABASE :"database" TO groundplan_records;

CREATE SCHEMA IF NOT EXISTS groundplan_schema AUTHORIZATION groundplan_schema;
CREATE SCHEMA IF NOT EXISTS groundplan_records AUTHORIZATION groundplan_records;

-- The services know PostgreSQL's messages in English; where the server speaks another language they say so by themselves.
GRANT SET ON PARAMETER lc_messages TO groundplan_schema, groundplan_records;

COMMIT;
