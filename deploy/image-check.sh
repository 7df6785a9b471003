#!/usr/bin/env bash
# Builds deploy/Dockerfile unchanged, and runs its image as Kubernetes would, on Debian without an image registry: `make
# image-check`, as root. It builds both base images, under the names in the Dockerfile: one from Debian's packages and this
# machine's Rust, one from the packages that its documentation names. docs/operations.md describes what this proves.
#
#   deploy/image-check.sh          keeps nothing
#   deploy/image-check.sh FOLDER   keeps images and caches there (about 4 GB), so that the next run is short
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mapfile -t bases < <(sed -n 's/^FROM \([^ ]*\).*/\1/p' deploy/Dockerfile)
export image=localhost/groundplan:check

say() { printf '== %s\n' "$*"; }
fail() { printf 'image-check: %s\n' "$*" >&2; exit 1; }
# Images and caches are in the folder; locks and runtime state are in private mounts, so other containers are not affected.
begin() { mount -t tmpfs locks /dev/shm && mount -t tmpfs run "$folder/run"; }
engine() {
    TMPDIR=$folder/temporary podman --root "$folder/images" --runroot "$folder/run" --tmpdir "$folder/run" --runtime runc \
        --cgroup-manager cgroupfs --events-backend none --log-level error "$@"
}
export -f say fail begin engine

make_build_base() {
    local version
    version=$(rustc --version | cut -d ' ' -f 2)
    [[ ${bases[0]} == "rust:${version%.*}-bookworm" ]] || fail "the Dockerfile starts with ${bases[0]}, but this machine has Rust $version"
    [[ -e $folder/debian.tar ]] ||
        mmdebstrap --quiet --variant=minbase --include=ca-certificates,g++,gcc,libc6-dev,make bookworm "$folder/debian.tar"
    engine import --quiet "$folder/debian.tar" localhost/debian:check
    engine build --quiet --pull=never --tag "${bases[0]}" --file - "$(realpath "$(rustc --print sysroot)")" <<'BASE'
FROM localhost/debian:check
COPY bin /usr/local/rustup/bin
COPY lib /usr/local/rustup/lib
ENV CARGO_HOME=/usr/local/cargo PATH=/usr/local/rustup/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
BASE
}

# The contents that the documentation of the image lists, and nothing else: above all no shell.
make_run_base() {
    engine build --quiet --pull=never --network host --tag "${bases[1]}" --file - "$folder/temporary" <<'BASE'
FROM localhost/debian:check AS packages
WORKDIR /packages
RUN apt-get update && apt-get download base-files ca-certificates gcc-12-base libc6 libgcc-s1 libgomp1 libssl3 libstdc++6 media-types \
    netbase tzdata
RUN mkdir -p /certificates /base/etc/ssl/certs /base/home/nonroot && dpkg-deb --extract ca-certificates_*.deb /certificates \
    && cat /certificates/usr/share/ca-certificates/mozilla/*.crt >/base/etc/ssl/certs/ca-certificates.crt && rm ca-certificates_*.deb \
    && for package in *.deb; do dpkg-deb --extract "$package" /base; done \
    && printf '%s\n' root:x:0:0:root:/root:/sbin/nologin nonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin >/base/etc/passwd \
    && printf '%s\n' root:x:0: nonroot:x:65532: >/base/etc/group && chown 65532:65532 /base/home/nonroot
FROM scratch
COPY --from=packages /base /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt
USER 65532
WORKDIR /home/nonroot
BASE
}

# Includes this machine's authorities, because crates might come through a proxy with its own authority.
build() {
    say "building ${bases[*]} from this machine"
    make_build_base
    make_run_base
    engine build --quiet --tag localhost/context:check --ignorefile .dockerignore --file - . <<<$'FROM scratch\nCOPY . /'
    (($(size localhost/context:check) < 30)) || fail ".dockerignore lets more than the source into the build"
    say "building deploy/Dockerfile (release) from $(size localhost/context:check) MB of source"
    engine build --pull=never --network host --volume /etc/ssl/certs:/etc/ssl/certs:ro --tag "$image" --file deploy/Dockerfile .
    local base content
    base=$(engine image mount "${bases[1]}")
    content=$(engine image mount "$image")
    [[ $(diff <(files "$base") <(files "$content") | grep '^[<>]') == '> ./usr/local/bin/groundplan' ]] ||
        fail "the image has more than its base and one program"
    [[ $(cd "$content" && find bin sbin usr/bin usr/sbin usr/local/bin ! -type d) == usr/local/bin/groundplan ]] ||
        fail "the image contains other programs"
    say "no shell, and one program; the image has $(size "$image") MB, its base $(size "${bases[1]}")"
}

files() { cd "$1" && find . ! -type d | sort; }
size() { du --summarize --block-size=MB "$(engine image mount "$1")" | sed 's/MB.*//'; }

if [[ ${1:-} == --inside ]]; then
    begin
    build
    exit
fi
[[ $(id -u) == 0 ]] || fail "it needs root"
for program in podman runc mmdebstrap rustc ip curl psql; do
    command -v "$program" >/dev/null ||
        fail "$program is missing; on Debian: apt-get install podman runc mmdebstrap iproute2 curl postgresql"
done
if [[ -n ${1:-} ]]; then
    folder=$(realpath --canonicalize-missing "$1")/groundplan-image
else
    folder=$(mktemp --directory /var/tmp/groundplan-image-XXXXXX)
    trap 'rm -rf --one-file-system "$folder"' EXIT
fi
export folder
mkdir -p "$folder/temporary" "$folder/run"
# Remaining mounts and processes end with their namespaces. The second has no network except loopback.
nice -n 10 unshare --mount --pid --fork --kill-child --mount-proc "${BASH_SOURCE[0]}" --inside
unshare --mount --pid --net --fork --kill-child --mount-proc deploy/image-run.sh
