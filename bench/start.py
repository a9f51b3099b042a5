"""Start: from the command to the first answer, against the import of strawberry and sqlmodel alone; memory at rest."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from bench.servers import free_port, wait_for


def _import_alone() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import strawberry, sqlmodel"], check=True)
    return time.perf_counter() - began


def _first_answer(database: Path) -> tuple[float, int]:
    """Seconds until the first answer, and bytes resident at rest."""
    port = free_port()
    env = {**os.environ, "TOLLGATE_DATABASE_URL": f"sqlite+aiosqlite:///{database}", "TOLLGATE_LOG_LEVEL": "error"}
    began = time.perf_counter()
    command = [str(Path(sys.executable).parent / "tollgate"), "serve", "--port", str(port)]
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL)
    try:
        wait_for(f"http://127.0.0.1:{port}/health/live", process)
        seconds = time.perf_counter() - began
        return seconds, psutil.Process(process.pid).memory_info().rss
    finally:
        process.terminate()
        process.wait(20)


def run(scale: float = 1.0, rounds: int = 5) -> None:
    """Print the medians of some rounds, taken in turn, and their ratio."""
    rounds = max(int(rounds * scale), 1)
    with tempfile.TemporaryDirectory() as name:
        database = Path(name) / "start.db"
        _first_answer(database)
        alone, started = [], []
        resident = 0
        for _ in range(rounds):
            alone.append(_import_alone())
            seconds, resident = _first_answer(database)
            started.append(seconds)
    ratio = statistics.median(started) / statistics.median(alone)
    print(
        f"first answer {statistics.median(started):.2f} s, imports alone {statistics.median(alone):.2f} s: "
        f"{ratio:.2f} ×; memory at rest {resident / 2**20:.0f} MiB"
    )


if __name__ == "__main__":
    run()
