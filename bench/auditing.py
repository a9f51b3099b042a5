"""The cost of auditing: launches a second with the audit trail and without."""

import tempfile
from pathlib import Path

from bench.launches import on


def run(scale: float = 1.0) -> None:
    """Print both and their ratio; taken in turn, twice, as the machine's speed drifts."""
    total = int(5_000 * scale)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        ratios = []
        for turn in range(2):
            without = on(f"sqlite+aiosqlite:///{folder / f'without{turn}.db'}", total, BENCH_NO_AUDIT="1")
            audited = on(f"sqlite+aiosqlite:///{folder / f'with{turn}.db'}", total)
            ratios.append(audited.per_second / without.per_second)
            print(f"with {audited.per_second:7.0f}/s, without {without.per_second:7.0f}/s: {ratios[-1]:.2f}")
