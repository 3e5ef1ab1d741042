#!/usr/bin/env python3
"""Checks a file, or one checkpoint against another, with nothing but the standard library and docs/ledger.md.

usage: verify.py FILE --proof PROOF --key KEY              was this file released, as the ledger says?
       verify.py --old CHECKPOINT --consistency PROOF --key KEY   does the new head go on from the old one?

KEY is the verifier key (name+hash+base64) or a file that holds it. Exit status: 0 proven, 1 not proven, 2 cannot be read.
"""

import base64
import hashlib
import json
import pathlib
import sys

# Ed25519 signatures are verified as RFC 8032 section 5.1.7 says, slowly and plainly.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P


def add(a, b):
    """The sum of two points in extended coordinates."""
    (x1, y1, z1, t1), (x2, y2, z2, t2) = a, b
    e, f = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    g, h = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, g, h, i = f - e, h - g, h + g, f + e
    return e * g % P, h * i % P, g * h % P, e * i % P


def multiply(n, point):
    total = (0, 1, 1, 0)
    while n:
        if n & 1:
            total = add(total, point)
        point, n = add(point, point), n >> 1
    return total


def same(a, b):
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def point(data):
    number = int.from_bytes(data, "little")
    y, odd = number & (2**255 - 1), number >> 255
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (x == 0 and odd):
        raise ValueError("no point of the curve")
    x = P - x if x & 1 != odd else x
    return x, y, 1, x * y % P


BASE = point(bytes([0x58] + [0x66] * 31))


def signed(key, text, signature):
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(r + key + text).digest(), "little") % ORDER
    return same(multiply(s, BASE), add(point(r), multiply(k, point(key))))


# The tree: RFC 6962 section 2.1, verified as RFC 9162 sections 2.1.3.2 and 2.1.4.2 say.
def leaf_hash(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def includes(leaf, index, size, path, head):
    first, last, value = index, size - 1, leaf
    if not 0 <= index < size:
        return False
    for sibling in path:
        if last == 0:
            return False
        if first & 1 or first == last:
            value = node_hash(sibling, value)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        first, last = first >> 1, last >> 1
    return last == 0 and value == head


def consistent(old, old_head, new, new_head, path):
    if old == new or old == 0:
        return not path and (old_head == new_head if old == new else old_head == hashlib.sha256().digest())
    if not 0 < old < new:
        return False
    path = list(path) if old & (old - 1) else [old_head] + list(path)
    first, last = old - 1, new - 1
    while first & 1:
        first, last = first >> 1, last >> 1
    if not path:
        return False
    old_value = new_value = path[0]
    for value in path[1:]:
        if last == 0:
            return False
        if first & 1 or first == last:
            old_value, new_value = node_hash(value, old_value), node_hash(value, new_value)
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            new_value = node_hash(new_value, value)
        first, last = first >> 1, last >> 1
    return last == 0 and old_value == old_head and new_value == new_head


def checkpoint(note, vkey):
    """Size and head of a checkpoint that the key signed."""
    name, identifier, key = vkey.split("+", 2)
    key = base64.b64decode(key, validate=True)
    expected = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
    if key[:1] != b"\x01" or len(key) != 33 or expected.hex() != identifier:
        raise ValueError("the verifier key is damaged")
    text, signatures = note.rsplit("\n\n", 1)
    text += "\n"
    own = [base64.b64decode(line.rsplit(" ", 1)[1], validate=True) for line in signatures.splitlines() if line.startswith(f"\u2014 {name} ")]
    own = [value[4:] for value in own if value[:4] == expected]
    if not own or not all(signed(key[1:], text.encode(), signature) for signature in own):
        raise ValueError("the checkpoint is not signed by this key")
    origin, size, head = text.split("\n")[:3]
    if origin != name:
        raise ValueError("the checkpoint is of another log")
    return int(size), base64.b64decode(head, validate=True)


def proof(text):
    """The first lines' words, the hashes, and the checkpoint."""
    head, note = text.split("\n\n", 1)
    lines = head.split("\n")
    words = dict(line.split(" ", 1) for line in lines if " " in line)
    return lines[0], words, [base64.b64decode(line, validate=True) for line in lines if " " not in line and "@" not in line], note


def main(arguments):
    options = dict(zip(arguments, arguments[1:]))
    key = options["--key"]
    vkey = (pathlib.Path(key).read_text() if pathlib.Path(key).exists() else key).strip()
    read = lambda path: pathlib.Path(path).read_text(encoding="utf-8")
    if "--consistency" in options:
        old, old_head = checkpoint(read(options["--old"]), vkey)
        _, words, path, note = proof(read(options["--consistency"]))
        new, new_head = checkpoint(note, vkey)
        if int(words["old"]) != old or not consistent(old, old_head, new, new_head, path):
            raise ValueError(f"the log of {new} leaves does not go on from the one of {old}: something was rewritten")
        return f"proven: the log of {new} leaves goes on from the one of {old} leaves; nothing of those was changed"
    first, words, path, note = proof(read(options["--proof"]))
    if first != "c2sp.org/tlog-proof@v1":
        raise ValueError("this is no tlog-proof")
    size, head = checkpoint(note, vkey)
    entry = base64.b64decode(words["extra"], validate=True)
    if not includes(leaf_hash(entry), int(words["index"]), size, path, head):
        raise ValueError("the leaf is not in the log")
    leaf = json.loads(entry)
    if leaf.get("format") != "daylight-leaf/1" or leaf.get("kind") != "release":
        raise ValueError("the leaf is not of a release")
    hasher = hashlib.sha256()
    with open(arguments[0], "rb") as file:
        while piece := file.read(1 << 20):
            hasher.update(piece)
    digest = hasher.hexdigest()
    if digest != leaf["digest"]:
        raise ValueError(f"the file is another one: its SHA-256 is {digest}, the ledger has {leaf['digest']}")
    return (
        f"proven: {arguments[0]} is version {leaf['version']} of {leaf['dataset']}, {leaf['row_count']} rows, released by {leaf['department']} "
        f"at {leaf['released_at']}; leaf {words['index']} of {size} in the log {note.splitlines()[0]}"
    )


if __name__ == "__main__":
    try:
        print(main(sys.argv[1:]))
    except ValueError as error:
        sys.exit(f"NOT proven: {error}")
    except (IndexError, KeyError, OSError) as error:
        print(f"{__doc__}\ncannot be read: {error!r}", file=sys.stderr)
        sys.exit(2)
