#!/usr/bin/env python3
"""Measures receipts: signed statements that come in over HTTP at a rate that is kept up, how long each waits for its answer, and whether all are in the ledger.

Deliveries are put into the database; the statements are signed beforehand, with openssl's Ed25519 by way of the `cryptography` package, so that the load costs the server's cores little.
With --signed each call carries an HTTP message signature (RFC 9421) too. Prints JSON.
"""
import argparse, asyncio, base64, hashlib, json, os, secrets, tempfile, time, uuid
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from measure import ROOT, cpu_seconds, psql, resident, serving

PROVIDER, RECEIVER, DATASET = "11511800MB1234562L", "11511802MB7654321X", "bench-receipts"


def prepare(url, key, deliveries):
    """Two departments, an access key, a signing key, a grant and its deliveries."""
    secret = secrets.token_hex(24)
    prefix = secrets.token_hex(5)
    text = f"dk_{prefix}_{secret}"
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    ids = psql(url, f"""
        DELETE FROM daylight.share_idempotency;
        INSERT INTO daylight.department (uscc, name_zh, level, region) VALUES ('{PROVIDER}', '提供方', 'prefecture', '511800'), ('{RECEIVER}', '接收方', 'county', '511802') ON CONFLICT DO NOTHING;
        INSERT INTO daylight.access_key (prefix, hash, label, department, scopes, tier) VALUES ('{prefix}', '{hashlib.sha256(text.encode()).hexdigest()}', 'bench', '{RECEIVER}', '{{exchange}}', 'trusted');
        INSERT INTO daylight.dataset (id, department, description, schema) SELECT '{DATASET}', '{PROVIDER}', '{{}}', '{{}}' WHERE NOT EXISTS (SELECT FROM daylight.dataset WHERE id = '{DATASET}');
        WITH k AS (
            INSERT INTO daylight.receipt_key (department, public_key, label, registered_by)
            SELECT '{RECEIVER}', '\\x{public}', 'bench', id FROM daylight.access_key WHERE prefix = '{prefix}' RETURNING id
        ), r AS (
            INSERT INTO daylight.share_request (id, dataset, provider, receiver, state, terms, legal_basis, scenario, method)
            VALUES (gen_random_uuid(), '{DATASET}', '{PROVIDER}', '{RECEIVER}', 'delivering', '{{"fields": ["code"], "purpose": "bench", "until": "2099-01-01T00:00:00+08:00"}}', '-', '-', 'pull') RETURNING id
        ), g AS (
            INSERT INTO daylight.share_grant (id, request, dataset, provider, receiver, terms, method, from_version, expires_at, leaf)
            SELECT gen_random_uuid(), id, '{DATASET}', '{PROVIDER}', '{RECEIVER}', '{{"fields": ["code"], "purpose": "bench", "until": "2099-01-01T00:00:00+08:00"}}', 'pull', 1, '2099-01-01', sha256('bench') FROM r RETURNING id
        ), d AS (
            INSERT INTO daylight.delivery (id, grant_id, from_version, to_version, digest, row_count, byte_count, started_at, finished_at)
            SELECT gen_random_uuid(), g.id, n, n + 1, '{"ab" * 32}', 1, 10, now(), now() FROM g, generate_series(0, {deliveries - 1}) AS n RETURNING id, grant_id, from_version
        )
        SELECT id || '|' || grant_id || '|' || from_version || '|' || (SELECT id FROM k) FROM d;
        ANALYZE daylight.delivery;""")
    return text, [line.split("|") for line in ids.split("\n")]


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def requests(key, access, rows, authority, is_signed):
    """The bytes of each call."""
    calls = []
    now = int(time.time())
    received = time.strftime("%Y-%m-%dT%H:%M:%S+08:00", time.gmtime(now + 8 * 3600))
    for delivery, grant, version, key_id in rows:
        statement = {"format": "daylight-receipt/1", "grant": grant, "delivery": delivery, "dataset": DATASET, "from_version": int(version), "to_version": int(version) + 1,
                     "digest": "ab" * 32, "row_count": 1, "received_at": received}
        body = canonical({"statement": statement, "key": key_id, "signature": base64.b64encode(key.sign(canonical(statement))).decode()})
        fields = {"Host": authority, "Authorization": f"Bearer {access}", "Content-Type": "application/json", "Content-Length": str(len(body))}
        if is_signed:
            digest = f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
            params = f'("@method" "@authority" "@path" "@query" "content-digest");created={now};keyid="{key_id}";nonce="{uuid.uuid4()}"'
            base = f'"@method": POST\n"@authority": {authority}\n"@path": /v1/exchange/receipts\n"@query": ?\n"content-digest": {digest}\n"@signature-params": {params}'
            fields |= {"Content-Digest": digest, "Signature-Input": f"daylight={params}", "Signature": f"daylight=:{base64.b64encode(key.sign(base.encode())).decode()}:"}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        calls.append(f"POST /v1/exchange/receipts HTTP/1.1\r\n{head}\r\n".encode() + body)
    return calls


async def load(port, calls, rate, connections):
    """Sends each call at its time; what waits for a connection counts as waiting. Gives seconds for each, and how long it took in all."""
    queue = asyncio.Queue()
    waits, statuses = [], {}

    async def work():
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (item := await queue.get()) is not None:
            due, call = item
            writer.write(call)
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
            await reader.readexactly(length)
            waits.append(time.perf_counter() - due)
            status = head[9:12].decode()
            statuses[status] = statuses.get(status, 0) + 1
        writer.close()

    workers = [asyncio.create_task(work()) for _ in range(connections)]
    start = time.perf_counter()
    for number, call in enumerate(calls):
        due = start + number / rate
        if (pause := due - time.perf_counter()) > 0.001:
            await asyncio.sleep(pause)
        queue.put_nowait((due, call))
    for _ in workers:
        queue.put_nowait(None)
    await asyncio.gather(*workers)
    return waits, statuses, time.perf_counter() - start


def run(options):
    work = Path(tempfile.mkdtemp(prefix="daylight-receipts-"))
    key = Ed25519PrivateKey.generate()
    access, rows = prepare(options.database, key, options.rate * options.seconds)
    with serving(options.daylight, options.database, work) as (server, port):
        calls = requests(key, access, rows, f"127.0.0.1:{port}", options.signed)
        cpu = cpu_seconds(server.pid)
        waits, statuses, took = asyncio.run(load(port, calls, options.rate, options.connections))
        cpu, memory = cpu_seconds(server.pid) - cpu, resident(server.pid)
        begin = time.monotonic()
        while psql(options.database, "SELECT EXISTS (SELECT FROM daylight.ledger_pending)") == "t" and time.monotonic() - begin < 60:
            time.sleep(0.05)
        caught_up = time.monotonic() - begin
        entered = int(psql(options.database, f"SELECT count(*) FROM daylight.receipt r JOIN daylight.ledger_leaf l ON l.hash = r.leaf AND l.kind = 'receipt' WHERE r.grant_id = '{rows[0][1]}'"))
        waits.sort()
        return {
            "asked_per_second": options.rate, "seconds": options.seconds, "signed_calls": options.signed, "receipts": len(waits), "receipts_per_second": round(len(waits) / took, 1),
            "statuses": statuses, "answer_ms": {"p50": round(waits[len(waits) // 2] * 1000, 1), "p99": round(waits[int(len(waits) * 0.99)] * 1000, 1), "max": round(waits[-1] * 1000, 1)},
            "in_the_ledger": entered, "caught_up_after_seconds": round(caught_up, 2), "server_cpu_seconds_per_1000": round(cpu / len(waits) * 1000, 3),
            "server_memory_mb": round(memory / 1e6), "cores": os.cpu_count(),
        }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", default=os.environ.get("DATABASE_URL"), help="a migrated database of its own")
    parser.add_argument("--daylight", default=str(ROOT / ".build/release/daylight"))
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--signed", action="store_true", help="sign each call as well")
    options = parser.parse_args()
    if not options.database:
        parser.error("--database or DATABASE_URL is needed")
    print(json.dumps(run(options), indent=2))


main()
