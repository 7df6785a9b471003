#!/usr/bin/env bash
# Prints calls to paste, for a running suite: calls.sh HOST:PORT API_KEY_FILE MODELS
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
address=$1 key_file=$2 models=$3

# The name of the program if it is on PATH; otherwise its path in .tools, where `deploy/setup.sh` installs it.
tool() { if command -v "$1" >/dev/null; then echo "$1"; else echo ".tools/bin/$1"; fi; }
grpcurl=$(tool grpcurl)
buf=$(tool buf)
# shellcheck disable=SC2016 # The shell that it is pasted into expands it.
header='authorization: Bearer $API_KEY'

if [[ -z ${API_KEY:-} ]]; then
    key="export API_KEY=\$(cat ${key_file@Q})"
else
    key="# API_KEY is already set by you"
fi

cat <<CALLS

Paste this into another terminal, in this folder:

  $key
  $grpcurl -plaintext -H "$header" $address list
CALLS
[[ ! -e $models/example/v1/entity.proto ]] || cat <<CALLS
  $grpcurl -plaintext -H "$header" $address describe example.v1.Entity
  $grpcurl -plaintext -H "$header" -d '{"entity":{"field1":"value","field2":123}}' $address example.v1.EntityService/CreateEntity
  $buf curl --protocol grpc --http2-prior-knowledge --reflect-header "$header" -H "$header" -d '{"page_size":2}' http://$address/example.v1.EntityService/ListEntities
  curl -sS -H "$header" -d '{"field1":"value","field2":123}' http://$address/api/v1/resource
  curl -sS -H "$header" "http://$address/api/v1/resource?pageSize=2"
CALLS
cat <<CALLS
  curl -sS -H "$header" http://$address/api/openapi.json
CALLS
[[ ! -e $models/example/v1/entity.proto ]] || cat <<CALLS

Watch changes until Ctrl-C, and write records in a third terminal:

  curl -sSN -H "$header" "http://$address/api/v1/resource:watch?start=INITIAL"
CALLS
cat <<CALLS

Your own models: put .proto files into a folder such as my-models, then (each apply must include every model)

  target/debug/groundplan plan --address http://$address examples my-models
  target/debug/groundplan apply --address http://$address examples my-models

To start again: stop the suite, then \`target/debug/groundplan reset\` removes all models and records
CALLS
