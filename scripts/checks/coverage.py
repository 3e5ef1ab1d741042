"""Refuses a documented (operation, status) that no test has seen, unless it is listed with a reason.

usage: coverage.py DOCUMENTED SEEN UNCOVERED
  DOCUMENTED, SEEN   one `operation status` per line
  UNCOVERED          `operation status  reason` per line; `*` stands for every operation
"""

import pathlib
import sys


def pairs(file):
    return {tuple(line.split()[:2]) for line in pathlib.Path(file).read_text().splitlines() if line.strip() and not line.startswith("#")}


def main():
    documented, seen, listed = pairs(sys.argv[1]), pairs(sys.argv[2]), pairs(sys.argv[3])
    if not documented or not seen:
        print("nothing was documented or nothing was seen: the tests did not run as they should")
        return 1
    exact = {pair for pair in listed if pair[0] != "*"}
    everywhere = {status for operation, status in listed if operation == "*"}
    missing = sorted(pair for pair in documented - seen - exact if pair[1] not in everywhere)
    needless = sorted((exact & seen) | (exact - documented))
    for operation, status in missing:
        print(f"openapi.yaml documents {operation} {status}, and no test has seen it")
    for operation, status in needless:
        print(f"{sys.argv[3]} lists {operation} {status}, which was seen or is not documented; take it out")
    return 1 if missing or needless else 0


sys.exit(main())
