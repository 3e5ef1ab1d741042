"""What proofs cost: hashing at release, the proof of one row, and a release with all of it against a release without."""
import http.client, json, os, random, subprocess, sys, time

from measure import middle, ratio, timed


def file(bench, rows):
    """Rows as a department would push them, in key order."""
    path = bench.work / f"rows-{rows}.csv"
    if not path.exists():
        bench.write_rows(path, rows)
    return path


def publish(bench, dataset, path, keys, port, mode="replace"):
    """Pushes, reviews and releases; how long the push took until it was checked, and how long its release."""
    pusher, reviewer = keys
    base = f"/v1/datasets/{dataset}"
    if mode == "replace":
        bench.ask("PUT", base, pusher, bench.describe()[1], {"If-None-Match": "*"}, port)
    start = time.monotonic()
    push = bench.upload(path, base, pusher, port, mode)
    checked = time.monotonic()
    bench.ask("POST", f"/v1/pushes/{push['id']}/reviews", reviewer, {"decision": "pass", "legal_basis": "政府信息公开条例", "digest": push["digest"]}, {}, port)
    between = time.monotonic()
    bench.ask("POST", f"/v1/pushes/{push['id']}/release", pusher, {}, {}, port)
    return checked - start, time.monotonic() - between


def proof(bench):
    """The proof of one row of a large version, asked for by one client, again and again for another row; and hashing against sha256sum."""
    rows = bench.options.rows
    bench.psql(bench.department)
    keys = bench.key("bench push", "push", "release"), bench.key("bench review", "review")
    with bench.daylight():
        dataset = f"bench-proof-{os.urandom(4).hex()}"
        publish(bench, dataset, file(bench, rows), keys, bench.port)
        base, work = f"http://127.0.0.1:{bench.port}", bench.work
        for name, path in (("data.csv", f"/v1/datasets/{dataset}/versions/1/data.csv"), ("data.proof", f"/v1/datasets/{dataset}/versions/1/proof"), ("key", "/ledger/key")):
            subprocess.run(["curl", "-sSf", "-o", work / name, base + path], check=True)
        connection, dice, sizes = http.client.HTTPConnection("127.0.0.1", bench.port), random.Random(7), []

        def ask(key):
            connection.request("GET", f"/v1/datasets/{dataset}/rows/{key}/proof?version=1")
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                sys.exit(f"proof: {answer.status} {text[:500]}")
            return text

        def many():
            times = []
            ask(1)
            for _ in range(100 * bench.options.rounds):
                key = dice.randint(1, rows)
                start = time.monotonic()
                text = ask(key)
                times.append((time.monotonic() - start) * 1000)
                sizes.append(len(text))
            return sorted(times)

        times = many()
        (work / "row.proof").write_bytes(ask(rows))
        # The same version once it is an older one: every hundredth row has changed.
        changed = work / "changed.csv"
        with open(file(bench, rows), "rb") as lines, open(changed, "wb") as out:
            out.writelines(line if place == 0 else line.replace(b"\n", b"x\n") for place, line in enumerate(lines) if place % 100 == 0)
        publish(bench, dataset, changed, keys, bench.port, "upsert")
        older = many()
    subprocess.run([bench.options.daylight, "verify", "--row", work / "row.proof", "--key", work / "key"], check=True, stdout=subprocess.DEVNULL)
    late = lambda times: round(times[len(times) * 99 // 100], 2)
    bench.results["row_proof"] = {
        "milliseconds": middle(times), "p99_milliseconds": late(times), "of_older_version_milliseconds": middle(older), "of_older_version_p99_milliseconds": late(older),
        "goal_milliseconds": 50, "bytes": max(sizes), "goal_bytes": 4096, "rows": rows}

    # The verifier reads the file once and makes the digest and the tree over the rows, with the code that a release makes them with.
    ours, limits = [], []
    for _ in range(bench.options.rounds):
        limits.append(timed(lambda: subprocess.run(["sha256sum", work / "data.csv"], check=True, stdout=subprocess.DEVNULL)))
        ours.append(timed(lambda: subprocess.run(
            [bench.options.daylight, "verify", work / "data.csv", "--proof", work / "data.proof", "--key", work / "key"], check=True, stdout=subprocess.DEVNULL)))
    size = (work / "data.csv").stat().st_size
    bench.results["hashing"] = {
        "bytes_per_second": round(size / middle(ours)), "sha256sum_bytes_per_second": round(size / middle(limits)), "ratio_to_sha256sum": ratio(limits, ours), "goal": 0.5,
        "bytes": size, "rows": rows}


def release(bench):
    """A first push and its release, by this build and by one from before there was a ledger (--before: its checkout, built), in turns, each with a database of its own."""
    before = bench.options.before
    if not before:
        print("release: nothing to compare with; --before names a built checkout from before migration 0009", file=sys.stderr)
        return
    rows, name = bench.options.push_rows, f"daylight_before_{os.getpid()}"
    path = file(bench, rows)
    bench.psql(f"CREATE DATABASE {name}")
    url = bench.url.replace("/" + bench.psql("SELECT current_database()"), f"/{name}")
    sides = {"with": (bench.options.daylight, bench.url, bench.root / "schema"), "without": (f"{before}/.build/release/daylight", url, f"{before}/schema")}
    try:
        subprocess.run([sides["without"][0], "migrate"], check=True, stdout=sys.stderr, env=dict(os.environ, DATABASE_URL=url, DAYLIGHT_SCHEMA_DIR=f"{before}/schema"))
        keys, whole, last = {}, {side: [] for side in sides}, {side: [] for side in sides}
        for side, (binary, url, _) in sides.items():
            bench.psql(bench.department, url=url)
            keys[side] = bench.key("release push", "push", "release", binary=binary, url=url), bench.key("release review", "review", binary=binary, url=url)
        for turn in range(bench.options.rounds):
            # Who comes second finds the file in memory and the disk busy: they take turns in that too.
            for side in sorted(sides, reverse=turn % 2 == 1):
                binary, url, schema = sides[side]
                with bench.daylight(binary=binary, url=url, schema=schema):
                    checked, released = publish(bench, f"bench-release-{os.urandom(4).hex()}", path, keys[side], bench.port)
                whole[side].append(checked + released)
                last[side].append(released)
        bench.results["release"] = {
            "ratio_of_push_and_release": ratio(whole["with"], whole["without"]), "ratio_of_release": ratio(last["with"], last["without"]), "goal": 1.15,
            "seconds": middle(whole["with"]), "seconds_without": middle(whole["without"]), "release_seconds": middle(last["with"]),
            "release_seconds_without": middle(last["without"]), "rows": rows}
    finally:
        bench.psql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
