#!/usr/bin/env bash
# Build the wheel, install it alone in a clean environment, and see that it works there.
#
#   scripts/check_wheel.sh PYTHON
set -euo pipefail

python=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "building the wheel"
# From a copy of what git knows: files that lie around in the checkout must not end up in the wheel.
git ls-files -z --cached --others --exclude-standard | xargs -0 tar --create --ignore-failed-read 2>/dev/null | tar --extract --directory "$work" --one-top-level=source
"$python" -m venv "$work/env"
"$work/env/bin/python" -m pip install --quiet --disable-pip-version-check uv 2>/dev/null ||
    echo "uv cannot be had here; pip does the same, slower" >&2
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
limits=()
[[ -f constraints/python$version.txt ]] && limits=(-c "constraints/python$version.txt")
if [[ -x $work/env/bin/uv ]]; then
    "$work/env/bin/uv" build --quiet --wheel --python "$work/env/bin/python" --out-dir "$work/dist" "$work/source"
    "$work/env/bin/uv" pip install --quiet --python "$work/env/bin/python" "${limits[@]}" "$work"/dist/*.whl
else
    "$work/env/bin/python" -m pip wheel --quiet --no-deps --wheel-dir "$work/dist" "$work/source"
    "$work/env/bin/python" -m pip install --quiet "${limits[@]}" "$work"/dist/*.whl
fi

cd "$work" # not in the checkout, whose emo/ would be imported instead
"$work/env/bin/emo" --help >help.txt
grep -q capture help.txt
mkdir workspace
"$work/env/bin/emo" list --workspace workspace
"$work/env/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import files

from emo.bases.base import load_base
from emo.capture.detectors import load_detector

inside = [str(path) for path in files("emo") or []]
for wanted in ("emo/py.typed", "emo/capture/weights/NOTICE.md", "emo/bases/recipes/lite0.yaml"):
    assert wanted in inside, f"{wanted} is missing from the wheel"
assert not [path for path in inside if path.startswith(("tests/", "scripts/", "datasets/", "models/"))], inside
load_detector("mtcnn")
base = load_base(threads=1)
assert "torch" not in sys.modules
print(f"the wheel works: {len(inside)} files, base {base.name} with {len(base.labels)} labels")
PYTHON
du --summarize --block-size=1M "$work/env/lib"/python*/site-packages | awk '{ print "installed size: " $1 " MB"; exit $1 >= 900 }'
