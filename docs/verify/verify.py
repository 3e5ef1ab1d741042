#!/usr/bin/env python3
"""Checks a file, a row, or one checkpoint against another, with nothing but the standard library and docs/ledger.md. audit.py checks audits.

usage: verify.py FILE --proof PROOF --key KEY                     was this file released, as the ledger says?
       verify.py --row PROOF --key KEY                            does this row stand in a version that was released?
       verify.py --old CHECKPOINT --consistency PROOF --key KEY   does the new head go on from the old one?
       … --witness KEY (more than once)                           did this witness sign the (new) head?

KEY is the verifier key (name+hash+base64) or a file that holds it. Exit status: 0 proven, 1 not proven, 2 cannot be read.
"""
import base64, hashlib, json, pathlib, sys, time

decode = lambda text: base64.b64decode(text, validate=True)

def demand(condition, otherwise):
    if not condition:
        raise ValueError(otherwise)

# Ed25519 signatures are verified as RFC 8032 section 5.1.7 says, slowly and plainly. Points have extended coordinates.
P, ORDER = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P

def add(a, b):
    (x1, y1, z1, t1), (x2, y2, z2, t2) = a, b
    a, b, c, d = (y1 - x1) * (y2 - x2), (y1 + x1) * (y2 + x2), 2 * t1 * t2 * D, 2 * z1 * z2
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P

def multiply(n, point):
    total = (0, 1, 1, 0)
    while n:
        total = add(total, point) if n & 1 else total
        point, n = add(point, point), n >> 1
    return total

def point(data):
    odd, y = divmod(int.from_bytes(data, "little"), 2**255)
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    x = x * pow(2, (P - 1) // 4, P) % P if (x * x - square) % P else x
    demand(y < P and (x * x - square) % P == 0 and not (x == 0 and odd), "no point of the curve")
    x = P - x if x & 1 != odd else x
    return x, y, 1, x * y % P

BASE = point(bytes([0x58] + [0x66] * 31))

def signed(key, text, signature):
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    k = int.from_bytes(hashlib.sha512(r + key + text).digest(), "little") % ORDER
    (x1, y1, z1, _), (x2, y2, z2, _) = multiply(s, BASE), add(point(r), multiply(k, point(key)))
    return len(signature) == 64 and s < ORDER and (x1 * z2 - x2 * z1) % P == 0 and (y1 * z2 - y2 * z1) % P == 0

# The tree: RFC 6962 section 2.1, verified as RFC 9162 sections 2.1.3.2 and 2.1.4.2 say.
tree_hash = lambda kind, content: hashlib.sha256(kind + content).digest()
includes = lambda leaf, index, size, path, head: 0 <= index < size and climb(index, size - 1, path, [leaf]) == [head]

def climb(first, last, path, values):
    """Carries hashes up the path; the first of them also takes what lies on its right. What they come to, or nothing."""
    for sibling in path:
        if last == 0: return None
        if first & 1 or first == last:
            values = [tree_hash(b"\1", sibling + value) for value in values]
            while not first & 1 and first:
                first, last = first >> 1, last >> 1
        else:
            values = [tree_hash(b"\1", values[0] + sibling)] + values[1:]
        first, last = first >> 1, last >> 1
    return values if last == 0 else None

def consistent(old, old_head, new, new_head, path):
    if old == new or old == 0:
        return not path and (old_head == new_head if old else old_head == hashlib.sha256().digest())
    if not 0 < old < new: return False
    path, shift = list(path) if old & (old - 1) else [old_head] + list(path), (old & -old).bit_length() - 1
    return bool(path) and climb(old - 1 >> shift, new - 1 >> shift, path[1:], [path[0], path[0]]) == [new_head, old_head]

def signatures(note, vkey, kind):
    """The name and key of a verifier key, the text of a note, and what stands under the text by that name and key."""
    name, identifier, key = vkey.split("+", 2)
    key = decode(key)
    expected = hashlib.sha256(name.encode() + b"\n" + key).digest()[:4]
    demand(key[:1] == kind and len(key) == 33 and expected.hex() == identifier, f"the verifier key of {name} is damaged, or of another kind")
    text, lines = note.rsplit("\n\n", 1)
    values = [decode(line.rsplit(" ", 1)[1]) for line in lines.splitlines() if line.startswith(f"\u2014 {name} ")]
    return name, key[1:], text.encode() + b"\n", [value[4:] for value in values if value[:4] == expected]

def checkpoint(note, vkey):
    """Size and head of a checkpoint that the key signed."""
    name, key, text, own = signatures(note, vkey, b"\1")
    demand(own and all(signed(key, text, signature) for signature in own), "the checkpoint is not signed by this key")
    origin, size, head = text.decode().split("\n")[:3]
    demand(origin == name, "the checkpoint is of another log")
    return int(size), decode(head)

def cosigned(note, witnesses):
    """Words for each witness, who signed a time and the text (C2SP tlog-cosignature)."""
    for name, key, text, own in (signatures(note, vkey, b"\4") for vkey in witnesses):
        times = [int.from_bytes(value[:8], "big") for value in own]
        demand(own and all(signed(key, b"cosignature/v1\ntime %d\n" % at + text, value[8:]) for at, value in zip(times, own)), f"{name} did not sign the head")
        yield f"\n{name} signed the head at {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(max(times)))}: the log had only grown for it"

def proof(text, expected=None):
    """The words of the first lines, the hashes, and what stands behind the empty line."""
    head, rest = text.split("\n\n", 1)
    lines = head.split("\n")
    demand(not expected or lines.pop(0) == expected, f"this is no {expected}")
    return dict(line.split(" ", 1) for line in lines if " " in line), [decode(line) for line in lines if " " not in line], rest

def release(text, vkey, witnesses):
    """The leaf of a release that is in the log whose head the key signed, and words that say so."""
    words, path, note = proof(text, "c2sp.org/tlog-proof@v1")
    (size, head), entry = checkpoint(note, vkey), decode(words["extra"])
    demand(includes(tree_hash(b"\0", entry), int(words["index"]), size, path, head), "the leaf is not in the log")
    leaf = json.loads(entry)
    demand(leaf.get("format") == "daylight-leaf/1" and leaf.get("kind") == "release", "the leaf is not of a release")
    return leaf, (f"version {leaf['version']} of {leaf['dataset']}, {leaf['row_count']} rows, released by {leaf['department']} at {leaf['released_at']}; "
                  f"leaf {words['index']} of {size} in the log {note.splitlines()[0]}{''.join(cosigned(note, witnesses))}")

def main(arguments):
    options = dict(zip(arguments, arguments[1:]))
    read = lambda path: pathlib.Path(path).read_text(encoding="utf-8")
    verifier = lambda key: (read(key) if pathlib.Path(key).exists() else key).strip()
    vkey, witnesses = verifier(options["--key"]), [verifier(key) for name, key in zip(arguments, arguments[1:]) if name == "--witness"]
    if "--consistency" in options:
        old, old_head = checkpoint(read(options["--old"]), vkey)
        words, path, note = proof(read(options["--consistency"]))
        new, new_head = checkpoint(note, vkey)
        holds = int(words["old"]) == old and consistent(old, old_head, new, new_head, path)
        demand(holds, f"the log of {new} leaves does not go on from the one of {old}: something was rewritten")
        return f"proven: the log of {new} leaves goes on from the one of {old} leaves; nothing of those was changed{''.join(cosigned(note, witnesses))}"
    if "--row" in options:
        words, path, rest = proof(read(options["--row"]), "daylight-row-proof/1")
        leaf, words_of_release = release(rest, vkey, witnesses)
        record, tree = decode(words["record"]), leaf.get("row_tree", {"size": 0, "head": ""})
        demand(includes(tree_hash(b"\0", record), int(words["index"]), tree["size"], path, bytes.fromhex(tree["head"])), "the row is not in the version that was released")
        return f"proven: {record.decode()[:-1]}\nis row {int(words['index']) + 1} of {words_of_release}"
    leaf, words_of_release = release(read(options["--proof"]), vkey, witnesses)
    with open(arguments[0], "rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    demand(digest == leaf["digest"], f"the file is another one: its SHA-256 is {digest}, the ledger has {leaf['digest']}")
    return f"proven: {arguments[0]} is {words_of_release}"

if __name__ == "__main__":
    try:
        print(main(sys.argv[1:]))
    except ValueError as error:
        sys.exit(f"NOT proven: {error}")
    except (IndexError, KeyError, OSError) as error:
        print(f"{__doc__}\ncannot be read: {error!r}", file=sys.stderr)
        sys.exit(2)
