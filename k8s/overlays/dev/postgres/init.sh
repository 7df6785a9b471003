#!/bin/sh
# Creates the services' roles when the `postgres` image creates its database: deploy/compose.yaml and k8s/overlays/dev.
# roles.sql reads the passwords from the environment, because every user of the machine can read arguments.
set -eu
export GROUNDPLAN_SCHEMA_PASSWORD GROUNDPLAN_RECORDS_PASSWORD
psql -X -q -U "$POSTGRES_USER" -d "$POSTGRES_DB" -f /roles/roles.sql
