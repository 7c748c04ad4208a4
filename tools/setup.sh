#!/usr/bin/env bash
# tools/setup.sh VENV: a virtual environment with minikafka and everything that the
# notebooks and the tests need. Needs Python 3.11 or newer and the package index; no root.
set -euo pipefail
venv=$1

new_enough='import sys; sys.exit(sys.version_info < (3, 11))'

find_python() {
    local name
    for name in ${PYTHON:-} python3.11 python3.12 python3.13 python3.14 python3 python; do
        # Asked to run, not only to exist: a version manager's shim may lead nowhere.
        if "$name" -c "$new_enough" 2>/dev/null; then
            echo "$name"
            return
        fi
    done
    echo "minikafka needs Python 3.11 or newer; none was found." \
         "Install one, or name it: make setup PYTHON=/path/to/python3.11" >&2
    return 1
}

if ! "$venv/bin/python" -c "$new_enough" 2>/dev/null; then
    python=$(find_python)
    echo "making $venv with $("$python" --version)"
    rm -rf "$venv"
    "$python" -m venv "$venv" || {
        echo "$python cannot make virtual environments;" \
             "on Debian and Ubuntu that is the package python3-venv" >&2
        exit 1
    }
fi
echo "installing minikafka with its lab and test packages into $venv (about a minute)"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --editable '.[lab,test]'
touch "$venv/.ready"
