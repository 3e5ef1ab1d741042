#!/usr/bin/env python3
"""Measures webhooks: messages that wait in the database until a receiver on this machine has taken them with 204, and how long a single one takes where nothing else is to be sent.

The receiver is a process of its own. A tenth of a thousand messages is held against the endpoint's secret. Prints JSON.
"""
import argparse, asyncio, base64, hashlib, hmac, json, multiprocessing, os, random, re, statistics, tempfile, time
from pathlib import Path

from measure import ROOT, cpu_seconds, psql, resident, serving

DEPARTMENT, KEY = "11511802MB7654321X", "bench-hook"
SECRET = bytes(range(32))


class Taking(asyncio.Protocol):
    """One connection of the receiver. `seen` has the time, the identifier, and of the first hundred all that was sent."""

    def __init__(self, seen, delay):
        self.seen, self.delay, self.buffer = seen, delay, b""

    def connection_made(self, transport):
        self.transport = transport
        self.seen["connections"] += 1

    def data_received(self, data):
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            head = self.buffer[:end]
            length = int(re.search(rb"(?i)content-length: *(\d+)", head)[1])
            if len(self.buffer) < end + 4 + length:
                return
            body, self.buffer = self.buffer[end + 4:end + 4 + length], self.buffer[end + 4 + length:]
            self.seen["taken"].append((time.time(), re.search(rb"webhook-id: *([^\r]+)", head)[1].decode()))
            if len(self.seen["whole"]) < 100:
                self.seen["whole"].append((head, body))
            if self.delay:
                asyncio.get_running_loop().call_later(self.delay, self.answer)
            else:
                self.answer()

    def answer(self):
        self.transport.write(b"HTTP/1.1 204 No Content\r\n\r\n")


def receive(pipe, delay):
    """The receiver: says its port, then for each line it is asked what it has taken since."""

    async def run():
        seen = {"taken": [], "whole": [], "connections": 0}
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Taking(seen, delay), "127.0.0.1", 0, backlog=1024)
        pipe.send(server.sockets[0].getsockname()[1])
        while (question := await loop.run_in_executor(None, pipe.recv)) != "end":
            if question == "count":
                pipe.send(len(seen["taken"]))
            else:
                pipe.send(dict(seen))
                seen["taken"], seen["whole"], seen["connections"] = [], [], 0

    asyncio.run(run())


class Receiver:
    def __init__(self, delay):
        self.pipe, other = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=receive, args=(other, delay), daemon=True)
        self.process.start()
        self.port = self.pipe.recv()

    def ask(self, question):
        self.pipe.send(question)
        return self.pipe.recv()

    def wait(self, count, seconds):
        end = time.monotonic() + seconds
        while self.ask("count") < count and time.monotonic() < end:
            time.sleep(0.05)

    def end(self):
        self.pipe.send("end")
        self.process.join(5)


def prepare(url):
    psql(url, f"""
        INSERT INTO daylight.department (uscc, name_zh, level, region) VALUES ('{DEPARTMENT}', '接收方', 'county', '511802') ON CONFLICT DO NOTHING;
        INSERT INTO daylight.access_key (prefix, hash, label, department, scopes, tier)
        SELECT '{KEY}', '{"0" * 64}', 'bench', '{DEPARTMENT}', '{{exchange}}', 'trusted' WHERE NOT EXISTS (SELECT FROM daylight.access_key WHERE prefix = '{KEY}');""")


def endpoints(url, port, count):
    """So many endpoints, and none besides."""
    psql(url, f"""
        DELETE FROM daylight.endpoint;
        DELETE FROM daylight.exchange_event;
        INSERT INTO daylight.endpoint (id, department, url, label, secret, created_by)
        SELECT gen_random_uuid(), '{DEPARTMENT}', 'http://127.0.0.1:{port}/hook/' || n, 'bench', '\\x{SECRET.hex()}', (SELECT id FROM daylight.access_key WHERE prefix = '{KEY}')
        FROM generate_series(1, {count}) AS n;""")


def is_signed(head, body):
    fields = {name.lower(): value.strip() for name, value in (line.split(b":", 1) for line in head.split(b"\r\n")[1:])}
    code = hmac.new(SECRET, b".".join([fields[b"webhook-id"], fields[b"webhook-timestamp"], body]), hashlib.sha256).digest()
    return fields[b"webhook-signature"] == b"v1," + base64.b64encode(code)


def throughput(options, receiver, server, count, each):
    endpoints(options.database, receiver.port, count)
    receiver.ask("all")
    cpu = cpu_seconds(server.pid)
    psql(options.database, f"""
        BEGIN;
        CREATE TEMPORARY TABLE told ON COMMIT DROP AS SELECT gen_random_uuid() AS id, n FROM generate_series(1, {each}) AS n;
        INSERT INTO daylight.exchange_event (id, department, type, subject, data)
        SELECT id, '{DEPARTMENT}', 'daylight.dataset.released', 'grants/' || id,
            jsonb_build_object('grant', id, 'dataset', 'bench', 'method', 'push', 'version', n, 'changes', '/v1/exchange/grants/' || id || '/changes') FROM told;
        INSERT INTO daylight.webhook_message (endpoint, event) SELECT e.id, t.id FROM daylight.endpoint e, told t;
        COMMIT;""")
    begin, total = time.time(), count * each
    receiver.wait(total, options.longest)
    deadline = time.monotonic() + 30
    while (waiting := int(psql(options.database, "SELECT count(*) FROM daylight.webhook_message WHERE state <> 'delivered'"))) and time.monotonic() < deadline:
        time.sleep(0.05)
    noted = time.time()
    cpu = cpu_seconds(server.pid) - cpu
    seen = receiver.ask("all")
    took = max((at for at, _ in seen["taken"]), default=noted) - begin
    return {
        "endpoints": count, "messages": total, "taken": len(seen["taken"]), "messages_per_second": round(len(seen["taken"]) / took), "seconds": round(took, 2),
        "all_noted_after_seconds": round(noted - begin, 2), "not_noted": waiting, "twice": len(seen["taken"]) - total, "connections": seen["connections"],
        "signatures_hold": all(is_signed(*whole) for whole in seen["whole"]), "server_cpu_seconds_per_1000": round(cpu / max(1, len(seen["taken"])) * 1000, 3),
        "server_memory_mb": round(resident(server.pid) / 1e6),
    }


def single(options, receiver, announced):
    """Milliseconds from the writing of an event, in its transaction, to its arrival."""
    endpoints(options.database, receiver.port, 1)
    notify = "NOTIFY daylight_change, 'bench';" if announced else ""
    waits = []
    for _ in range(options.singles):
        time.sleep(random.uniform(0.3, 1.3))
        receiver.ask("all")
        psql(options.database, f"BEGIN; SELECT daylight.tell('{DEPARTMENT}', 'daylight.dataset.released', 'grants/x', '{{}}'); {notify} COMMIT;")
        receiver.wait(1, 30)
        written = float(psql(options.database, "SELECT extract(epoch FROM max(at)) FROM daylight.exchange_event"))
        waits.append((receiver.ask("all")["taken"][0][0] - written) * 1000)
    waits.sort()
    return {"messages": len(waits), "p50_ms": round(statistics.median(waits), 1), "p90_ms": round(waits[int(len(waits) * 0.9)], 1), "max_ms": round(waits[-1], 1)}


def run(options):
    os.environ["DAYLIGHT_WEBHOOK_NETWORKS"] = "127.0.0.0/8"
    prepare(options.database)
    receiver = Receiver(options.delay / 1000)
    work = Path(tempfile.mkdtemp(prefix="daylight-webhooks-"))
    try:
        with serving(options.daylight, options.database, work) as (server, port):
            time.sleep(2)
            return {
                "one_endpoint": throughput(options, receiver, server, 1, options.messages),
                "many_endpoints": throughput(options, receiver, server, options.endpoints, max(1, options.messages * 2 // options.endpoints)),
                "each_one_message": throughput(options, receiver, server, options.endpoints * 10, 1),
                "single_release": single(options, receiver, True), "single_other": single(options, receiver, False),
                "receiver_answers_after_ms": options.delay, "cores": os.cpu_count(),
            }
    finally:
        receiver.end()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", default=os.environ.get("DATABASE_URL"), help="a migrated database of its own")
    parser.add_argument("--daylight", default=str(ROOT / ".build/release/daylight"))
    parser.add_argument("--messages", type=int, default=10_000, help="that wait for one endpoint; more than 10,000 would disable it")
    parser.add_argument("--endpoints", type=int, default=50)
    parser.add_argument("--singles", type=int, default=30)
    parser.add_argument("--delay", type=float, default=0, help="milliseconds that the receiver takes to answer")
    parser.add_argument("--longest", type=float, default=60, help="seconds after which a measurement is broken off")
    options = parser.parse_args()
    if not options.database:
        parser.error("--database or DATABASE_URL is needed")
    print(json.dumps(run(options), indent=2))


if __name__ == "__main__":
    main()
