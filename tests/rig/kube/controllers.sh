#!/usr/bin/env bash
# controllers.sh DIR: starts kube-controller-manager on a rig that up.sh has started, and returns once it is
# healthy; does nothing if it runs. `down.sh DIR kube-controller-manager` stops it. Each controller is a
# service account of kube-system, as in most clusters, so the audit log says which one asked for what.
#
# CONTROLLERS  the ones to run, as --controllers takes them
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
[[ $# -eq 1 ]] || die 'usage: controllers.sh DIR'
running_dir "$1"
PKI=$DIR/pki NAME=kube-controller-manager
[[ -x $BIN/$NAME ]] || die "no $NAME in $BIN: run build.sh $NAME first"
controllers=${CONTROLLERS:-namespace-controller,garbage-collector-controller,resourcequota-controller}

exec 9>"$DIR/run/controllers.lock"
flock 9
! pid_of "$NAME" >/dev/null || exit 0

healthy() { kubectl --request-timeout=2s --server="https://127.0.0.1:$port" get --raw=/healthz; }

# Without the account controllers, so that no namespace gets a `default` account behind a test's back.
start_controllers() {
  start "$NAME" "$BIN/$NAME" \
    --kubeconfig="$DIR/$NAME.kubeconfig" \
    --authentication-kubeconfig="$DIR/$NAME.kubeconfig" \
    --authorization-kubeconfig="$DIR/$NAME.kubeconfig" \
    --bind-address=127.0.0.1 --secure-port="$port" \
    --tls-cert-file="$PKI/kube-apiserver.crt" --tls-private-key-file="$PKI/kube-apiserver.key" \
    --client-ca-file="$PKI/ca.crt" \
    --service-account-private-key-file="$PKI/service-account.key" --root-ca-file="$PKI/ca.crt" \
    --use-service-account-credentials --leader-elect=false \
    --controllers="serviceaccount-token-controller,$controllers"
  wait_for "$NAME" 60 healthy
}

user_kubeconfig "$DIR/$NAME.kubeconfig" system:kube-controller-manager
for attempt in 1 2 3; do
  port=$(free_port)
  ! start_controllers || break
  stop "$NAME"
  [[ $attempt -lt 3 ]] || die "$NAME does not start: see $DIR/log/$NAME.log"
done
log "$NAME runs: $controllers"
