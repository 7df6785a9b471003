#!/bin/sh
# Makes the services' roles when the `postgres` image makes its database: deploy/compose.yaml and k8s/overlays/dev.
set -eu
psql -X -q -U "$POSTGRES_USER" -d "$POSTGRES_DB" \
    -v schema_password="$GROUNDPLAN_SCHEMA_PASSWORD" -v records_password="$GROUNDPLAN_RECORDS_PASSWORD" \
    -f /roles/roles.sql
