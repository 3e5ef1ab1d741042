#!/usr/bin/env python3
"""Measures the ledger: transactions that each enter a leaf, at a rate that is kept up, and how long a leaf takes until it is under a signed head.

The transactions are those of a release as far as the ledger goes, by pgbench; the head is read as a stranger reads it. Afterwards `daylight audit` reads the whole log.
Prints JSON.
"""
import argparse, json, os, statistics, subprocess, sys, tempfile, threading, time
import urllib.request
from pathlib import Path

from measure import ROOT, cpu_seconds, psql, resident, serving

SCRIPT = """BEGIN;
INSERT INTO daylight.ledger_pending (kind, dataset, version, entry) VALUES ('bench', 'bench', :client_id,
    convert_to('{"at":' || (extract(epoch FROM clock_timestamp()) * 1000000)::bigint || ',"by":' || :client_id || ',"format":"daylight-leaf/1","kind":"bench","n":' || (random() * 1e9)::bigint || '}', 'UTF8'));
SELECT pg_notify('daylight_ledger', '');
COMMIT;
"""


class Watch(threading.Thread):
    """When each size was first seen, as a stranger asks."""

    def __init__(self, address):
        super().__init__(daemon=True)
        self.address, self.seen, self.stopped = address, [], False

    def run(self):
        while not self.stopped:
            size = int(urllib.request.urlopen(self.address + "/ledger/checkpoint", timeout=30).read().split(b"\n")[1])
            if not self.seen or size > self.seen[-1][1]:
                self.seen.append((time.time(), size))
            time.sleep(0.01)


def run(options):
    work = Path(tempfile.mkdtemp(prefix="daylight-ledger-"))
    (work / "enter.sql").write_text(SCRIPT)
    with serving(options.daylight, options.database, work) as (server, port):
        address = f"http://127.0.0.1:{port}"
        before = int(psql(options.database, "SELECT count(*) FROM daylight.ledger_leaf"))
        watch = Watch(address)
        watch.start()
        cpu, start = cpu_seconds(server.pid), time.monotonic()
        pgbench = subprocess.run(
            ["pgbench", "-n", "-M", "prepared", "-c", "8", "-j", "2", "-R", str(options.rate), "-T", str(options.seconds), "-f", str(work / "enter.sql"), options.database],
            env=dict(os.environ, PGOPTIONS="-c role=daylight_writer"), capture_output=True, text=True)
        if pgbench.returncode:
            sys.exit(pgbench.stderr)
        left = int(psql(options.database, "SELECT count(*) FROM daylight.ledger_pending"))
        ended = time.monotonic()
        while psql(options.database, "SELECT EXISTS (SELECT FROM daylight.ledger_pending)") == "t":
            time.sleep(0.05)
        caught_up = time.monotonic() - ended
        leaves = psql(options.database, f"SELECT index, substring(convert_from(entry, 'UTF8') FROM '\"at\":([0-9]+)') FROM daylight.ledger_leaf WHERE index >= {before} AND kind = 'bench' ORDER BY index")
        leaves = [tuple(map(int, line.split("|"))) for line in leaves.split("\n")]
        while watch.seen[-1][1] <= leaves[-1][0]:
            time.sleep(0.02)
        watch.stopped = True
        cpu, memory = cpu_seconds(server.pid) - cpu, resident(server.pid)
        place, delays = 0, []
        for index, at in leaves:
            while watch.seen[place][1] <= index:
                place += 1
            delays.append(watch.seen[place][0] - at / 1e6)
        delays.sort()
        heads = int(psql(options.database, f"SELECT count(*) FROM daylight.ledger_checkpoint WHERE size > {before}"))
        begin = time.monotonic()
        audit = subprocess.run([options.daylight, "audit", address, "--state", str(work / "audit"), "--json"], capture_output=True, text=True)
        audited = time.monotonic() - begin
        if audit.returncode:
            sys.exit(f"audit: {audit.stdout}{audit.stderr}")
        return {
            "asked_per_second": options.rate, "seconds": options.seconds, "leaves": len(leaves), "leaves_per_second": round(len(leaves) / (ended - start), 1),
            "waiting_at_the_end": left, "caught_up_after_seconds": round(caught_up, 3), "heads": heads,
            "until_under_a_head_ms": {"p50": round(statistics.median(delays) * 1000), "p99": round(delays[int(len(delays) * 0.99)] * 1000), "max": round(delays[-1] * 1000)},
            "server_cpu_seconds_per_1000_leaves": round(cpu / len(leaves) * 1000, 3), "server_memory_mb": round(memory / 1e6),
            "audit": {"leaves": json.loads(audit.stdout)["size"], "seconds": round(audited, 2)}, "cores": os.cpu_count(),
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", default=os.environ.get("DATABASE_URL"), help="a migrated database of its own")
    parser.add_argument("--daylight", default=str(ROOT / ".build/release/daylight"))
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=60)
    options = parser.parse_args()
    if not options.database:
        parser.error("--database or DATABASE_URL is needed")
    print(json.dumps(run(options), indent=2))


main()
