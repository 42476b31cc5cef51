"""Does any locked dependency have a known hole? Says so where nobody can be asked.

The first argument is the lock to audit; what follows goes to pip-audit, for example
`--ignore-vuln ID` for one that has been looked into.
"""

from __future__ import annotations

import json
import subprocess
import sys


def main(lock: str, more: list[str]) -> int:
    """Return 1 where there is one."""
    command = ["pip-audit", "--requirement", lock, "--disable-pip", "--format", "json", *more]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
        found = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, subprocess.TimeoutExpired):
        return _unreachable(lock, "the advisory service does not answer")
    audited = [one for one in found if "vulns" in one]
    if not audited:
        return _unreachable(lock, "the advisory service knows none of the packages")
    holes = [(one, hole) for one in audited for hole in one["vulns"]]
    for one, hole in holes:
        fixed = ", ".join(hole["fix_versions"]) or "nothing yet"
        print(f"{one['name']} {one['version']}: {hole['id']}, fixed in {fixed}", file=sys.stderr)
    print(f"{lock}: {len(audited)} of {len(found)} packages audited, {len(holes)} known holes.")
    return 1 if holes else 0


def _unreachable(lock: str, why: str) -> int:
    print(f"{lock}: NOT AUDITED: {why}. Run `make check` where it can be reached.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
