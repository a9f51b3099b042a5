"""`make bench`: every measurement, or those named: `make bench BENCH_ARGS="launches pages --scale 0.2"`."""

import argparse
import importlib

NAMES = ("start", "launches", "auditing", "history", "search", "pages", "fanout", "aws", "sync")


def main() -> None:
    """Run the measurements one after the other; each prints its own lines."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(NAMES)}; all unless given")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full number of requests")
    chosen = parser.parse_args()
    unknown = set(chosen.names) - set(NAMES)
    if unknown:
        parser.error(f"there is no measurement {', '.join(sorted(unknown))}")
    for name in chosen.names or NAMES:
        print(f"\n# {name}", flush=True)
        module = importlib.import_module(f"bench.{name}")
        module.run(scale=chosen.scale)


if __name__ == "__main__":
    main()
