#!/usr/bin/env bash
# Writes the lock files of the Python packages: each package and each of its dependencies, at one version, with the hashes of
# its files for every platform. Run it after a change of a `.in` file in deploy/python or of tests/requirements.in, and commit
# both.
#
#   deploy/lock.sh             keeps the locked versions, if the `.in` files allow them
#   deploy/lock.sh --upgrade   uses the newest versions of the dependencies
#
# deploy/setup.sh installs exactly the locked files (pip's --require-hashes).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
python3 -m venv "$tools"
# The first lock is written by the pinned tool itself, installed without hashes.
if [[ -e deploy/python/uv.lock ]]; then locked=(--require-hashes -r deploy/python/uv.lock); else locked=(-r deploy/python/uv.in); fi
"$tools/bin/python" -m pip install --quiet --disable-pip-version-check --no-input "${locked[@]}"

# lock OLDEST_PYTHON FILE.in [MORE ARGUMENTS]: writes FILE.lock, which names no registry.
lock() {
    local file=${2%.in}
    printf 'lock: %s\n' "$file.lock"
    "$tools/bin/uv" pip compile --quiet --universal --generate-hashes --python-version "$1" --no-emit-index-url --no-emit-find-links \
        --custom-compile-command deploy/lock.sh "${upgrade[@]}" "${@:3}" --output-file "$file.lock" "$file.in"
}

upgrade=("$@")
for name in uv build run postgres manifests node; do lock 3.10 "deploy/python/$name.in"; done
lock 3.11 deploy/python/lint.in
# These share .tools with the first ones.
lock 3.11 tests/requirements.in --constraints deploy/python/build.lock --constraints deploy/python/postgres.lock
