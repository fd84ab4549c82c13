#!/usr/bin/env bash
# Packages the function for AWS Lambda: target/package/bootstrap.zip, for a `provided.al2023` function of this
# machine's architecture. Fails above 25 MB: a larger package starts later, and something was linked that should not be.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

zip_bytes_max=25000000
# What Amazon Linux 2023 has ("AL2023 core components").
glibc_max=2.34

# All of the workspace, so that features unify. Its own profile: optimized over all crates at once.
cargo build --profile lambda --workspace --bin bootstrap

target=${CARGO_TARGET_DIR:-target}
folder=$target/package
archive=$folder/bootstrap.zip
mkdir -p "$folder"
rm -f "$archive"
install -m 755 "$target/lambda/bootstrap" "$folder/bootstrap"
# The profile strips already; this is for those who change it.
strip "$folder/bootstrap" 2>/dev/null || true

# A binary needs the newest symbol version that it was linked with, and does not start where there is none.
if command -v objdump >/dev/null; then
    glibc=$(objdump -T "$folder/bootstrap" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -Vu | tail -n 1 || true)
    newest=$(printf '%s\n' "$glibc" "$glibc_max" | sort -V | tail -n 1)
    if [[ -n $glibc && $newest != "$glibc_max" ]]; then
        echo "warning: bootstrap needs glibc $glibc, and provided.al2023 has $glibc_max: it would not start there." >&2
        echo "         Build it on Amazon Linux 2023 (infra/README.md)." >&2
    fi
fi

if command -v zip >/dev/null; then
    zip -q -9 -j "$archive" "$folder/bootstrap"
else
    # Keeps the permission to execute, as `zip` does.
    (cd "$folder" && python3 -m zipfile -c bootstrap.zip bootstrap)
fi

zip_bytes=$(wc -c <"$archive")
echo "$archive: $((zip_bytes)) bytes, bootstrap $(($(wc -c <"$folder/bootstrap"))) bytes, $(uname -m)"
if ((zip_bytes > zip_bytes_max)); then
    echo "error: more than $zip_bytes_max bytes; \`cargo tree -p firesteel-function -e normal\` says what is linked" >&2
    exit 1
fi
