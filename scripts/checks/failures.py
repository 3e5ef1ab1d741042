"""Says again what failed in a test run, in few lines, for readers who see only the end of a long output.

usage: failures.py LOG
"""

import pathlib
import sys

ISSUES = 6
DETAILS = 3
WIDTH = 400


def issues(lines):
    """Each issue with the details that follow it; the tests run at once, so other tests' lines may stand around it."""
    for number, line in enumerate(lines):
        if " recorded an issue " not in line:
            continue
        details = []
        for following in lines[number + 1 : number + 1 + DETAILS]:
            if not following.startswith("↳") and not following.startswith("  "):
                break
            details.append(following)
        yield line, details


def main():
    lines = pathlib.Path(sys.argv[1]).read_text(errors="replace").splitlines()
    found = list(issues(lines))
    if not found:
        # A crash leaves no issue, only the tests that had begun and the last words.
        print("no test recorded an issue; the last lines that are not about tests:")
        for line in [line for line in lines if line.strip() and line[0] not in "✔◇➜"][-12:]:
            print(line[:WIDTH])
        return
    print(f"what failed ({len(found)} issues):")
    for line, details in found[:ISSUES]:
        for text in [line, *details]:
            print(text[:WIDTH])
    if len(found) > ISSUES:
        print(f"and {len(found) - ISSUES} more issues, in the output above")


main()
