#!/usr/bin/env python3
"""Checks an exported audit of the exchange against the ledger, with nothing but the standard library, docs/ledger.md and verify.py beside it, which is 150 lines without this.

usage: audit.py FILE --proof PROOF --key KEY     are these the calls that were sealed, no entry more and none less?
       … --witness KEY (more than once)          did this witness sign the head?

FILE is /v1/exchange/audit/seals/{n}/entries as NDJSON, PROOF …/proof. Exit status: 0 proven, 1 not proven, 2 cannot be read.
"""
import hashlib, json, pathlib, sys
from verify import checkpoint, cosigned, decode, demand, includes, proof, tree_hash

def entry_hash(line):
    """SHA-256 of an entry in the spelling of RFC 8785: its names are ASCII, its numbers whole. Of an entry that is not shown, the hash stands there."""
    entry = json.loads(line)
    if entry.keys() == {"hash"}:
        return bytes.fromhex(entry["hash"])
    return hashlib.sha256(json.dumps(entry, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()).digest()

def main(arguments):
    options = dict(zip(arguments, arguments[1:]))
    read = lambda path: pathlib.Path(path).read_text(encoding="utf-8")
    verifier = lambda key: (read(key) if pathlib.Path(key).exists() else key).strip()
    vkey, witnesses = verifier(options["--key"]), [verifier(key) for name, key in zip(arguments, arguments[1:]) if name == "--witness"]
    words, path, note = proof(read(options["--proof"]), "c2sp.org/tlog-proof@v1")
    (size, head), entry = checkpoint(note, vkey), decode(words["extra"])
    demand(includes(tree_hash(b"\0", entry), int(words["index"]), size, path, head), "the leaf is not in the log")
    seal = json.loads(entry)
    demand(seal.get("format") == "daylight-leaf/1" and seal.get("kind") == "audit", "the leaf is not of an audit")
    hashes = [entry_hash(line) for line in read(arguments[0]).split("\n") if line]
    digest = hashlib.sha256(b"".join(hashes)).hexdigest()
    demand((len(hashes), digest) == (seal["count"], seal["digest"]), f"these are not the {seal['count']} entries that were sealed: their digest is {digest}, the ledger has {seal['digest']}")
    return (f"proven: {arguments[0]} is the audit of seal {seal['number']}, {seal['count']} entries from {seal['from']} until {seal['until']}; "
            f"leaf {words['index']} of {size} in the log {note.splitlines()[0]}{''.join(cosigned(note, witnesses))}")

if __name__ == "__main__":
    try:
        print(main(sys.argv[1:]))
    except json.JSONDecodeError as error:
        print(f"{__doc__}\ncannot be read: {error!r}", file=sys.stderr)
        sys.exit(2)
    except ValueError as error:
        sys.exit(f"NOT proven: {error}")
    except (AttributeError, IndexError, KeyError, OSError, TypeError) as error:
        print(f"{__doc__}\ncannot be read: {error!r}", file=sys.stderr)
        sys.exit(2)
