#!/usr/bin/env bash
# Builds the Go program of this folder, or with KJOURNAL_CONFORMANCE_MODULE=go-old of the one beside
# it, into ${KJOURNAL_RIG_CACHE}/bin/conformance-MODULE.
# Idempotent: what was built from the same sources is kept. FORCE=1 builds again.
set -euo pipefail
MODULE=${KJOURNAL_CONFORMANCE_MODULE:-go}
cd "$(dirname "${BASH_SOURCE[0]}")/../$MODULE"

CACHE=${KJOURNAL_RIG_CACHE:-$HOME/.cache/kjournal-rig}
BIN=$CACHE/bin
PROGRAM=$BIN/conformance-$MODULE
STAMP=$BIN/.conformance-$MODULE.version

mkdir -p "$BIN"
exec 9>"$CACHE/conformance-$MODULE.lock"
flock 9
version=$(cat go.mod go.sum ./*.go | sha256sum)
if [[ -z ${FORCE:-} && -x $PROGRAM && $(cat "$STAMP" 2>/dev/null) == "$version" ]]; then
  echo "up to date: $PROGRAM" >&2
  exit 0
fi
# The module proxy is known to fail now and then.
for left in 2 1 0; do
  go mod download && break
  [[ $left -gt 0 ]] || exit 1
done
CGO_ENABLED=0 GOWORK=off GOFLAGS="-mod=readonly -trimpath -buildvcs=false" \
  nice go build -p "${JOBS:-2}" -ldflags "-s -w" -o "$PROGRAM.new" .
mv "$PROGRAM.new" "$PROGRAM"
printf '%s' "$version" >"$STAMP"
echo "built: $PROGRAM" >&2
