#!/usr/bin/env bash
# Builds the client-go program of this folder into ${KJOURNAL_RIG_CACHE}/bin/clients.
# Idempotent: what was built from the same sources is kept. FORCE=1 builds again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

CACHE=${KJOURNAL_RIG_CACHE:-$HOME/.cache/kjournal-rig}
BIN=$CACHE/bin
STAMP=$BIN/.clients.version

mkdir -p "$BIN"
exec 9>"$CACHE/clients.lock"
flock 9
version=$(cat go.mod go.sum ./*.go | sha256sum)
if [[ -z ${FORCE:-} && -x $BIN/clients && $(cat "$STAMP" 2>/dev/null) == "$version" ]]; then
  echo "up to date: $BIN/clients" >&2
  exit 0
fi
# The module proxy is known to fail now and then.
for left in 2 1 0; do
  go mod download && break
  [[ $left -gt 0 ]] || exit 1
done
CGO_ENABLED=0 GOWORK=off GOFLAGS="-mod=readonly -trimpath -buildvcs=false" \
  go build -p "${JOBS:-2}" -ldflags "-s -w" -o "$BIN/clients.new" .
mv "$BIN/clients.new" "$BIN/clients"
printf '%s' "$version" >"$STAMP"
echo "built: $BIN/clients" >&2
