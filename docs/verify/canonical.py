#!/usr/bin/env python3
"""Writes canonical CSV as docs/canonical-csv.md says, with nothing but the standard library: a second writer, to hold the first against.

usage: canonical.py CASE.json > data.csv

CASE.json has a schema as datasets have it, and rows: lists of texts or nulls, one for each field of the schema. Texts may be in any spelling that the type has.
"""
import datetime, decimal, json, re, sys

CHINA = datetime.timezone(datetime.timedelta(hours=8))
decimal.getcontext().prec = 3000

def plain(number):
    """A decimal without exponent, and without a sign where it is zero."""
    return format(number if number else abs(number), "f")

def json_text(value):
    if isinstance(value, str):
        escapes = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
        return '"' + "".join(escapes.get(c) or (f"\\u{ord(c):04x}" if c < " " else c) for c in value) + '"'
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda member: (len(member[0].encode()), member[0].encode()))
        return "{" + ", ".join(f"{json_text(name)}: {json_text(member)}" for name, member in members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(json_text, value)) + "]"
    if isinstance(value, decimal.Decimal):
        return plain(value)
    return {True: "true", False: "false", None: "null"}[value]

def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(CHINA)

def degrees(text):
    return plain(decimal.Decimal(text).normalize())

def canonical(text, kind):
    """The one spelling of a value."""
    if kind == "integer":
        return str(int(text))
    if kind.startswith("decimal"):
        scale = int(re.fullmatch(r"decimal\((\d+),(\d+)\)", kind)[2])
        return plain(decimal.Decimal(text).quantize(decimal.Decimal(1).scaleb(-scale)))
    if kind == "datetime":
        moment = instant(text)
        fraction = f".{moment.microsecond:06}".rstrip("0") if moment.microsecond else ""
        return f"{moment.year:04}-" + moment.strftime("%m-%dT%H:%M:%S") + fraction + "+08:00"
    if kind == "geo_point":
        return ",".join(map(degrees, text.split(",")))
    if kind == "json":
        return json_text(json.loads(text, parse_float=decimal.Decimal, parse_int=decimal.Decimal))
    return text

def masked(text, mask):
    """Characters are code points."""
    count = len(text)
    head, tail = {
        "name": (2 if count > 3 else 1 if count > 1 else 0, 0), "last_four": (0, 4 if count > 4 else 0),
        "phone": (3, 4) if count > 7 else (0, 0), "division_only": (6, 0)}[mask]
    return "".join(c if place < head or place >= count - tail else "*" for place, c in enumerate(text))

def sort_key(text, kind):
    if kind == "integer" or kind.startswith("decimal"):
        return decimal.Decimal(text)
    return instant(text) if kind == "datetime" else text.encode()

def quoted(text, is_alone):
    if text is None:
        return ""
    if text == "" or any(c in text for c in ',"\r\n') or (is_alone and text == "\\."):
        return '"' + text.replace('"', '""') + '"'
    return text

def write(schema, rows):
    fields, key = schema["fields"], schema["primary_key"]
    places = {field["name"]: place for place, field in enumerate(fields)}
    rows = [[None if text is None else canonical(text, field["type"]) for text, field in zip(row, fields)] for row in rows]
    for row in rows:
        for name in key:
            row[places[name]] = row[places[name]] or ""
    rows.sort(key=lambda row: [sort_key(row[places[name]], fields[places[name]]["type"]) for name in key])
    public = [field for field in fields if field["visibility"] == "public"]
    lines = [",".join(field["name"] for field in public)]
    for row in rows:
        values = [(row[places[field["name"]]], field.get("mask")) for field in public]
        lines.append(",".join(quoted(masked(text, mask) if mask and text is not None else text, len(public) == 1) for text, mask in values))
    return "".join(line + "\n" for line in lines).encode()

if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        case = json.load(file)
    sys.stdout.buffer.write(write(case["schema"], case["rows"]))
