"""Refuses imports that go up or sideways between rooms, and imports that Package.swift does not declare.

usage: imports.py PROJECT DESCRIPTION
  PROJECT      the project's folder
  DESCRIPTION  the output of `swift package describe --type json`
"""

import json
import pathlib
import re
import sys

# The floors of docs/architecture.md. A room imports only rooms on lower floors.
FLOORS = {
    "CLibpq": 0,
    "CNettle": 0,
    "CXlsxWriter": 0,
    "CZlib": 0,
    "Postgres": 1,
    "Model": 1,
    "CSV": 1,
    "RateLimit": 1,
    "SearchIndex": 1,
    "WorkCalendar": 1,
    "Store": 2,
    "Profiles": 2,
    "Migrator": 2,
    "Ledger": 2,
    "Copies": 2,
    "Exchange": 3,
    "Jobs": 3,
    "Mirror": 3,
    "Notary": 3,
    "Witness": 3,
    "Catalogue": 3,
    "Publishing": 3,
    "Bulk": 3,
    "API": 4,
    "daylight": 5,
}

# Walls that the floors alone do not give: module -> the rooms that may import it.
ONLY_FOR = {
    "CLibpq": {"Postgres"},
    "CNettle": {"Ledger"},
    "CXlsxWriter": {"Bulk"},
    "CZlib": {"CSV"},
    "Postgres": {"Store", "Migrator", "Copies", "daylight"},
    "Store": {"Catalogue", "Exchange", "Publishing", "Bulk", "Jobs", "Mirror", "Notary", "daylight"},
    "Migrator": {"daylight"},
    "Hummingbird": {"API"},
    "HummingbirdCore": {"API"},
    "ArgumentParser": {"daylight"},
    "AsyncHTTPClient": {"Exchange", "daylight"},
}

# Rooms that do no input or output.
PURE = {"Model", "RateLimit", "SearchIndex", "WorkCalendar", "Profiles"}
SYSTEM = {
    "Swift", "Foundation", "FoundationEssentials", "FoundationXML", "FoundationInternationalization", "Synchronization", "RegexBuilder",
    "Dispatch", "Glibc", "Musl", "Darwin", "Android", "Testing",
}
IMPORT = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|fileprivate|private)\s+)?"
    r"import\s+(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)"
)


def imports_of(file):
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
        match = IMPORT.match(line)
        if match:
            yield number, match.group(1)


def offence(room, module, declared):
    """Says what is wrong with `room` importing `module`, or None."""
    if module in SYSTEM:
        if module == "Testing":
            return "Sources do not import Testing"
        return None
    if module not in declared:
        return f"{room} does not declare {module} in Package.swift"
    if module in ONLY_FOR and room not in ONLY_FOR[module]:
        return f"only {', '.join(sorted(ONLY_FOR[module]))} may import {module}"
    if module in FLOORS and FLOORS[module] >= FLOORS[room]:
        direction = "sideways" if FLOORS[module] == FLOORS[room] else "upward"
        return f"{room} (floor {FLOORS[room]}) imports {module} (floor {FLOORS[module]}) {direction}"
    if room in PURE and module not in FLOORS:
        return f"{room} does no input or output, and imports {module}"
    return None


def main():
    project, description = pathlib.Path(sys.argv[1]), json.loads(pathlib.Path(sys.argv[2]).read_text())
    offences = []
    for target in description["targets"]:
        room, folder = target["name"], project / target["path"]
        inner = target.get("target_dependencies", [])
        declared = set(inner) | set(target.get("product_dependencies", []))
        if target["path"].startswith("Sources/"):
            if room not in FLOORS:
                offences.append(f"Package.swift: {room} stands on no floor; add it to {pathlib.Path(__file__).name}")
                continue
            # What Package.swift allows is held to the same rule as what a file imports.
            offences += [f"Package.swift: {o}" for o in (offence(room, m, declared) for m in sorted(inner)) if o]
            check = lambda module: offence(room, module, declared)
        else:
            check = lambda module: (
                None if module in SYSTEM | declared | {room} else f"{room} does not declare {module} in Package.swift"
            )
        for file in sorted(folder.rglob("*.swift")):
            for number, module in imports_of(file):
                what = check(module)
                if what:
                    offences.append(f"{file.relative_to(project)}:{number}: {what}")
    print("\n".join(offences), end="\n" if offences else "")
    return 1 if offences else 0


sys.exit(main())
