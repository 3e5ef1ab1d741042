"""Refuses over-long files, forbidden names, unfinished work, profile ids in code, and SQL outside its rooms.

usage: style.py PROJECT
"""

import json
import pathlib
import re
import sys

LONGEST_SOURCE, LONGEST_TEST, LOOK_AT = 600, 900, 400
FORBIDDEN_NAMES = {"core", "common", "helper", "helpers", "util", "utils", "extensions", "manager", "service"}
TYPE = re.compile(r"\b(?:struct|class|enum|actor|protocol|typealias)\s+([A-Z]\w*)")
UNFINISHED = re.compile(r"\bTODO\b|\bFIXME\b|\btry!|\bas!|fatalError\(\"(?:un|not )implemented")
DISABLED_TEST = re.compile(r"\.disabled\(|XCTSkip|withKnownIssue|\|\| true\b")
SQL_ROOMS = {"Copies", "Store", "Migrator"}
SQL = re.compile(
    r"\bSELECT\b(?!\s+1\b)|\bINSERT\s+INTO\b|\bDELETE\s+FROM\b|\bUPDATE\s+\S+\s+SET\b|"
    r"\b(?:CREATE|ALTER|DROP)\s+(?:TEMP\s+|TEMPORARY\s+|UNLOGGED\s+|UNIQUE\s+)?(?:TABLE|INDEX|VIEW|ROLE|SCHEMA|FUNCTION|TYPE)\b"
)
# Comments in the order in which Swift would see them; strings are kept, so that // in a URL is no comment.
TOKEN = re.compile(r'"""(?:\\.|(?!""")[^\\])*"""|"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?\*/', re.S)


def without_comments(text):
    """The text with comments blanked and line numbers kept."""
    return TOKEN.sub(lambda m: m.group() if m.group().startswith('"') else re.sub(r"[^\n]", " ", m.group()), text)


def words_of(name):
    """`DataManager+read` -> data, manager, read"""
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def profile_ids(project):
    ids = set()
    for file in sorted((project / "schema/profiles").glob("*.json")):
        document = json.loads(file.read_text(encoding="utf-8"))
        if isinstance(document, dict) and isinstance(document.get("id"), str):
            ids.add(document["id"])
    return ids


def name_offences(place, name):
    bad = words_of(name) & FORBIDDEN_NAMES
    if bad:
        yield f"{place}: the name {name} says nothing ({', '.join(sorted(bad))}); name what it holds"


def file_offences(file, place, test, ids, warnings):
    text = file.read_text(encoding="utf-8")
    lines = text.count("\n")
    limit = LONGEST_TEST if test else LONGEST_SOURCE
    if lines > limit:
        yield f"{place}:1: {lines} lines, more than {limit}; split it"
    elif lines > LOOK_AT and not test:
        warnings.append(f"{place}: {lines} lines; think about splitting it")

    code = without_comments(text)
    room = place.parts[1] if len(place.parts) > 1 else ""
    for number, (line, stripped) in enumerate(zip(text.split("\n"), code.split("\n")), 1):
        here = f"{place}:{number}"
        for name in TYPE.findall(stripped):
            yield from name_offences(here, name)
        if test:
            if DISABLED_TEST.search(stripped):
                yield f"{here}: a test that is switched off"
            continue
        match = UNFINISHED.search(line)
        if match:
            yield f"{here}: {match.group()} does not belong in Sources"
        for literal in re.findall(r'"((?:\\.|[^"\\])*)"', stripped):
            for id in ids:
                if literal == id or (re.search(r"[-_]", id) and re.search(rf"(?<![\w-]){re.escape(id)}(?![\w-])", literal)):
                    yield f"{here}: profile id {id} in Sources; profiles are data"
    if not test and room not in SQL_ROOMS:
        for match in SQL.finditer(code):
            number = code.count("\n", 0, match.start()) + 1
            if room == "Postgres" and re.match(r"SELECT\s+[\w.]+\(", code[match.start():]):
                continue  # The wrapper calls functions of the server's session.
            yield f"{place}:{number}: SQL ({match.group()}) outside {', '.join(sorted(SQL_ROOMS))} and schema/"


def main():
    project = pathlib.Path(sys.argv[1])
    ids, offences, warnings = profile_ids(project), [], []
    for top in ("Sources", "Tests"):
        for path in sorted((project / top).rglob("*")):
            place = path.relative_to(project)
            if path.is_dir():
                offences += name_offences(place, path.name)
            elif path.suffix == ".swift":
                offences += name_offences(place, path.stem)
                offences += file_offences(path, place, top == "Tests", ids, warnings)
    for warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    print("\n".join(offences), end="\n" if offences else "")
    return 1 if offences else 0


sys.exit(main())
