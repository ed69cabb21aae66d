#!/usr/bin/env bash
# Build a virtual environment with this checkout in it, at the versions in constraints/.
#
#   scripts/make_env.sh PYTHON FOLDER [EXTRAS]
set -euo pipefail

python=$1 folder=$2 extras=${3:-}

fail() {
    echo "error: $*" >&2
    exit 1
}

command -v "$python" >/dev/null ||
    fail "no $python here; install Python 3.10 to 3.13, as in: sudo apt install python3 python3-venv"
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
case $version in
3.10 | 3.11 | 3.12 | 3.13) ;;
*) fail "$python is Python $version; emo needs 3.10 to 3.13, as in: make demo PYTHON=python3.11" ;;
esac
"$python" -c 'import ensurepip, venv' 2>/dev/null ||
    fail "$python cannot make virtual environments; run: sudo apt install python$version-venv"

limits=()
if [[ -f constraints/python$version.txt ]]; then
    limits=(-c "constraints/python$version.txt")
else
    echo "constraints/python$version.txt is not there; installing the newest versions that fit" >&2
fi

# An environment of another Python is of no use; an old one of the same is brought up to date.
if [[ ! -x $folder/bin/python ]] || ! "$folder/bin/python" -c "import sys; sys.exit(sys.version_info[:2] != (${version/./, }))"; then
    rm -rf "$folder"
    "$python" -m venv "$folder"
fi

echo "installing into $folder (Python $version)"
what=".${extras:+[$extras]}"
if "$folder/bin/python" -m pip install --quiet --disable-pip-version-check uv 2>/dev/null; then
    "$folder/bin/uv" pip install --quiet --python "$folder/bin/python" "${limits[@]}" -e "$what"
else
    echo "uv cannot be had here; pip does the same, slower" >&2
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "${limits[@]}" -e "$what"
fi
