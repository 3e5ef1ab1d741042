"""Whole datasets: streams of 10,000,000 rows, workbooks, and what a roll-up adds to a release."""
import http.client, json, os, subprocess, sys, urllib.parse

from measure import Peak, middle, ratio, resident, timed


def large(bench):
    """Streams of all rows: when the first byte comes, how fast the rest, and how much memory it takes. Meant for --rows 10000000."""
    base, rows = f"/v1/datasets/{bench.dataset}", bench.options.rows
    select = f"SELECT {bench.columns} FROM published.d{bench.number} WHERE _until IS NULL ORDER BY id"
    env = dict(os.environ, PGOPTIONS="-c role=daylight_reader")
    city = urllib.parse.quote("城市7")
    questions = {
        "csv": "/rows.csv", "ndjson": "/rows.ndjson", "csv_of_one_city": f"/rows.csv?city={city}", "csv_by_city": "/rows.csv?sort=city,observed_at,id&fields=id,city,pm25",
        "csv_after_a_key": f"/rows.csv?id__gt={rows // 2}", "ndjson_of_a_condition_without_index": "/rows.ndjson?pm25__gt=400&aqi__lt=100",
        "csv_in_an_order_without_index": "/rows.csv?sort=pm25",
    }
    result = {"rows": rows, "goal_first_byte_ms": 100}
    with bench.daylight() as server:
        subprocess.run(["curl", "-sf", "-o", "/dev/null", f"http://127.0.0.1:{bench.port}{base}/rows.csv?id__lt=100"], check=True)
        result["first_byte_ms"] = {
            name: middle([timed(lambda: first_byte(bench.port, base + path)) * 1000 for _ in range(bench.options.rounds)]) for name, path in questions.items()}
        # The header comes by itself there; the first row when all are sorted.
        result["first_row_in_an_order_without_index_ms"] = timed(lambda: first_row(bench.port, base + questions["csv_in_an_order_without_index"])) * 1000
        idle = resident(server.pid)
        limits, rates, memory = [], {"csv": [], "ndjson": []}, {"csv": [], "ndjson": []}
        for _ in range(bench.options.rounds):
            limits.append(timed(lambda: subprocess.run(["psql", "-X", "-q", bench.url, "-c", f"\\copy ({select}) to '/dev/null' csv"], check=True, env=env)))
            for name in rates:
                with Peak(server.pid) as peak:
                    url = f"http://127.0.0.1:{bench.port}{base}/rows.{name}"
                    rates[name].append(timed(lambda: subprocess.run(["curl", "-sf", "-o", "/dev/null", url], check=True)))
                memory[name].append(peak.value - idle)
    for name, seconds in rates.items():
        result[name] = {"rows_per_second": round(rows / middle(seconds)), "ratio_to_psql_copy": ratio(limits, seconds), "memory_above_idle_mb": max(memory[name]) / 1e6}
    result["psql_copy_rows_per_second"] = round(rows / middle(limits))
    bench.results["large"] = result


def first_byte(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request("GET", path)
    response = connection.getresponse()
    if response.status != 200 or not response.read(1):
        sys.exit(f"{path}: {response.status}")
    connection.close()


def first_row(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    connection.request("GET", path)
    response = connection.getresponse()
    if not response.readline() or not response.readline():
        sys.exit(f"{path}: no rows")
    connection.close()


def workbook(bench):
    """An Excel workbook, made anew in each round. Meant for --rows 1000000."""
    seconds, sizes, memory = [], [], []
    for _ in range(bench.options.rounds):
        with bench.daylight() as server:
            url = f"http://127.0.0.1:{bench.port}/v1/datasets/{bench.dataset}/data"
            subprocess.run(["curl", "-sf", "-o", "/dev/null", url + ".csv"], check=True)
            idle = resident(server.pid)
            file = bench.work / "data.xlsx"
            with Peak(server.pid) as peak:
                seconds.append(timed(lambda: subprocess.run(["curl", "-sf", "-o", str(file), url + ".xlsx"], check=True)))
            sizes.append(file.stat().st_size)
            memory.append(peak.value - idle)
        for kept in (bench.work / "home" / "snapshots").glob("*.xlsx"):
            kept.unlink()
    bench.results["workbook"] = {
        "rows": bench.options.rows, "seconds": middle(seconds), "rows_per_second": round(bench.options.rows / middle(seconds)), "bytes": middle(sizes),
        "memory_above_idle_mb": max(memory) / 1e6}


def rolled(bench):
    """The release alone, of a first version and of one with 1 % changed rows, with and without a roll-up by city and day."""
    bench.psql(bench.department)
    rows = bench.options.push_rows
    whole, part = bench.work / "whole.csv", bench.work / "part.csv"
    bench.write_rows(whole, rows)
    bench.write_rows(part, rows, step=100, added=1)
    pusher, reviewer = bench.key("bench push", "push", "release"), bench.key("bench review", "review")
    seconds = {(size, rolled): [] for size in ("first", "changed") for rolled in (False, True)}
    with bench.daylight():
        for _ in range(bench.options.rounds):
            for rolled in (False, True):
                dataset = f"bench-release-{os.urandom(4).hex()}"
                description = bench.describe()[1]
                if rolled:
                    description["schema"]["rollups"] = bench.rollups
                bench.ask("PUT", f"/v1/datasets/{dataset}", pusher, description, {"If-None-Match": "*"})
                for size, file, mode in (("first", whole, "replace"), ("changed", part, "upsert")):
                    push = bench.upload(file, f"/v1/datasets/{dataset}", pusher, bench.port, mode)
                    bench.ask("POST", f"/v1/pushes/{push['id']}/reviews", reviewer, {"decision": "pass", "legal_basis": "政府信息公开条例", "digest": push["digest"]})
                    seconds[size, rolled].append(timed(lambda: bench.ask("POST", f"/v1/pushes/{push['id']}/release", pusher, {})))
    bench.results["rolled"] = {
        "rows": rows, "changed_rows": rows // 100,
        **{
            size: {"seconds": middle(seconds[size, False]), "seconds_with_rollup": middle(seconds[size, True]), "ratio": ratio(seconds[size, True], seconds[size, False])}
            for size in ("first", "changed")
        },
    }
