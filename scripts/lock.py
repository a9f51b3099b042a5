"""Resolves pyproject.toml into lock files with hashes that name no package index."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
# The others are constrained by the first, so that what is tested is what is deployed.
LOCKS: dict[str, list[str]] = {
    "requirements.lock": ["pyproject.toml"],
    "requirements-dev.lock": ["pyproject.toml", "--group", "dev", "--constraint", "requirements.lock"],
    "requirements-build.lock": ["--group", "build", "--constraint", "requirements-dev.lock"],
}
OPTIONS = [
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-annotate",
    "--no-header",
    "--no-sources",
    "--upgrade",
    "--quiet",
]


def main() -> int:
    """Write every lock file; 1 where one can't be resolved or would name a host."""
    uv = str(Path(sys.executable).with_name("uv"))
    for name, selection in LOCKS.items():
        command = [uv, "pip", "compile", *selection, *OPTIONS, "--output-file", name]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        if "://" in (ROOT / name).read_text():
            print(f"{name} names a host", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
