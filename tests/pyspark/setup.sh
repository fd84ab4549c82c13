#!/usr/bin/env bash
# Makes the Python environment of the PySpark tests, if it is not there: setup.sh FOLDER. Prints the path of its python.
# Needs python3 (3.10 or later) and a package index that pip reaches.
set -euo pipefail
folder=$1
requirements=$(dirname "${BASH_SOURCE[0]}")/requirements.txt

# Tests run side by side; the first makes it, the others wait.
mkdir -p "$(dirname "$folder")"
exec 9>"$folder.lock"
flock 9

if [[ ! -x $folder/bin/python ]] || ! cmp -s "$requirements" "$folder/requirements.txt"; then
    rm -rf "$folder"
    if ! python3 -m venv "$folder" >&2; then
        rm -rf "$folder"
        if ! python3 -m virtualenv "$folder" >&2; then
            echo "python3 makes no virtual environment: install python3-venv, or virtualenv by pip" >&2
            exit 1
        fi
    fi
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$requirements" >&2
    cp "$requirements" "$folder/requirements.txt"
fi
echo "$folder/bin/python"
