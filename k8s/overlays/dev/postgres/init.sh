#!/bin/sh
# Makes the services' roles when the `postgres` image makes its database: deploy/compose.yaml and k8s/overlays/dev. roles.sql takes the
# passwords from the environment, because arguments can be read by every user of the machine.
set -eu
export GROUNDPLAN_SCHEMA_PASSWORD GROUNDPLAN_RECORDS_PASSWORD
psql -X -q -U "$POSTGRES_USER" -d "$POSTGRES_DB" -f /roles/roles.sql
