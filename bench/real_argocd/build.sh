#!/usr/bin/env bash
# Build Argo CD, Kubernetes and Helm from Go's modules: `build.sh FOLDER` makes FOLDER/bin.
set -euo pipefail

for program in go git openssl etcd redis-server; do
  if ! command -v "$program" >/dev/null; then
    echo "$program is missing (Debian: apt-get install git openssl etcd-server redis-server)" >&2
    exit 1
  fi
done

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1/bin"
cp "$here/go.mod" "$1/go.mod"
cd "$1"

export GOFLAGS="-mod=mod -buildvcs=false" CGO_ENABLED=0
module=github.com/argoproj/argo-cd/v3
version=$(go list -m -f '{{.Version}}' "$module")
go build -ldflags "-s -w -X $module/common.version=${version#v}" -o bin/ tool

# One program that acts by its name (git asks `argocd` for passwords), and two things that its
# container image has beside it.
for name in argocd argocd-server argocd-repo-server argocd-application-controller; do
  ln -sf cmd "bin/$name"
done
source=$(go list -m -f '{{.Dir}}' "$module")
install -m 755 "$source/hack/git-verify-wrapper.sh" bin/
ln -sfn "$source/manifests" manifests
