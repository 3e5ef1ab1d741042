"""Differences between versions, one row's history, and what versions take on disk."""
import hashlib, http.client, json, statistics, time

ROWS = 1_000_000
CHANGED = 1_000
VERSIONS = 20


def prepare(bench, dataset, rows, row_sql, names, types, fields):
    """A dataset with its first version, made as a release makes it."""
    schema, description = bench.describe()
    text = lambda value: "'" + json.dumps(value, ensure_ascii=False).replace("'", "''") + "'"
    number = int(bench.psql(f"""
        INSERT INTO daylight.dataset (id, department, description, schema) SELECT '{dataset}', uscc, {text(description)}, {text(schema)} FROM daylight.department LIMIT 1
        RETURNING number;"""))
    columns = ", ".join(f"{n} {types.get(t) or t.replace('decimal', 'numeric')}" for n, t in fields)
    table = f"data.d{number}"
    bench.psql(f"""
        SET TimeZone = '<+08>-08'; SET ROLE daylight_writer;
        CREATE TABLE {table} (_since integer NOT NULL, _until integer, {columns});
        INSERT INTO {table} SELECT 1, NULL, {row_sql} FROM generate_series(1, {rows}::bigint) AS i;
        CREATE UNIQUE INDEX d{number}_key ON {table} (id) WHERE _until IS NULL;
        CREATE INDEX d{number}_history ON {table} (id) WHERE _until IS NOT NULL;
        CREATE INDEX d{number}_begun ON {table} (_since) WHERE _since > 1;
        CREATE INDEX d{number}_ended ON {table} (_until) WHERE _until IS NOT NULL;
        CREATE INDEX d{number}_city ON {table} (city, observed_at, id) WHERE _until IS NULL;
        CREATE VIEW published.d{number} AS SELECT {names}, _since, _until FROM {table};
        GRANT SELECT ON published.d{number} TO daylight_reader;
        RESET ROLE;""")
    bench.psql(f"VACUUM ANALYZE {table}")
    publish(bench, dataset, 1, rows, schema)
    return number, schema


def publish(bench, dataset, version, rows, schema):
    digest = hashlib.sha256(f"{dataset} {version}".encode()).hexdigest()
    schema = json.dumps(schema, ensure_ascii=False).replace("'", "''")
    bench.psql(f"""
        INSERT INTO daylight.version (dataset, number, digest, row_count, added, changed, removed, byte_count, schema, department)
        SELECT id, {version}, '{digest}', {rows}, 0, 0, 0, 1, '{schema}', department FROM daylight.dataset WHERE id = '{dataset}';
        UPDATE daylight.dataset SET state = 'published', current_version = {version}, row_count = {rows}, released_at = now() WHERE id = '{dataset}';""")


def change(bench, number, version, every, names):
    """One row in so many, each time others, as a release changes them."""
    columns = names.split(", ")
    values = ", ".join("pm25 + 1" if name == "pm25" else name for name in columns)
    bench.psql(f"""
        BEGIN;
        CREATE TEMP TABLE change AS SELECT {names} FROM data.d{number} WHERE _until IS NULL AND id % {every} = {version};
        UPDATE data.d{number} t SET _until = {version} FROM change WHERE t._until IS NULL AND t.id = change.id;
        INSERT INTO data.d{number} (_since, {names}) SELECT {version}, {values} FROM change;
        COMMIT;""")


def get(port, path):
    """Milliseconds to the first byte and to the last, and the body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    start = time.perf_counter()
    connection.request("GET", path)
    response = connection.getresponse()
    first = response.read(1)
    began = time.perf_counter()
    body = first + response.read()
    end = time.perf_counter()
    connection.close()
    if response.status != 200:
        raise SystemExit(f"{path}: {response.status} {body[:500]}")
    return (began - start) * 1000, (end - start) * 1000, body


def measure(bench, row_sql, names, types, fields):
    number, schema = prepare(bench, "bench-difference", ROWS, row_sql, names, types, fields)
    change(bench, number, 2, ROWS // CHANGED, names)
    bench.psql(f"ANALYZE data.d{number}")
    publish(bench, "bench-difference", 2, ROWS, schema)
    results = {"rows": ROWS, "changed": CHANGED}
    base = "/v1/datasets/bench-difference"
    with bench.daylight():
        for name, path, count in [
            ("ndjson", "/diff.ndjson?from=1&to=2", lambda body: body.count(b"\n")), ("csv", "/diff.csv?from=1&to=2", lambda body: body.count(b"\n") - 1),
            ("page", "/diff?from=1&to=2&limit=1000", lambda body: len(json.loads(body)["data"])),
            ("summary", "/diff/summary?from=1&to=2", lambda body: json.loads(body)["data"]["changed"]),
            ("filtered", "/diff?from=1&to=2&limit=1000&id__gt=0", lambda body: len(json.loads(body)["data"])),
            ("history", "/rows/2/history", lambda body: len(json.loads(body)["data"]) * CHANGED // 2),
        ]:
            times = []
            for _ in range(5 * bench.options.rounds):
                first, last, body = get(bench.port, base + path)
                if count(body) != CHANGED:
                    raise SystemExit(f"{path}: {count(body)} rows")
                times.append((first, last))
            results[name] = {
                "first_byte_ms": round(statistics.median(t[0] for t in times), 1), "whole_ms": round(statistics.median(t[1] for t in times), 1),
                "whole_ms_worst": round(max(t[1] for t in times), 1)}
    results["goal_first_byte_ms"], results["goal_whole_ms"] = 100, 300
    plan = bench.psql(f"""
        EXPLAIN (ANALYZE, BUFFERS) SELECT id, o.pm25, n.pm25 FROM (SELECT * FROM published.d{number} WHERE _until > 1 AND _until <= 2 AND _since <= 1) AS o
        FULL JOIN (SELECT * FROM published.d{number} WHERE _since > 1 AND _since <= 2 AND (_until IS NULL OR _until > 2)) AS n USING (id)
        WHERE o.pm25 IS DISTINCT FROM n.pm25 ORDER BY id""")
    results["plan"] = plan.splitlines()
    results["storage"] = storage(bench, row_sql, names, types, fields)
    return results


def storage(bench, row_sql, names, types, fields):
    """Twenty versions of 200,000 rows of which one in a hundred changes each time."""
    number, _ = prepare(bench, "bench-versions", 200_000, row_sql, names, types, fields)
    size = lambda: int(bench.psql(f"SELECT pg_total_relation_size('data.d{number}')"))
    one = size()
    for version in range(2, VERSIONS + 1):
        change(bench, number, version, 100, names)
    twenty = size()
    small = bench.psql(f"SELECT pg_relation_size('data.d{number}_begun') + pg_relation_size('data.d{number}_ended')")
    return {"megabytes_1_version": round(one / 1e6, 1), "megabytes_20_versions": round(twenty / 1e6, 1), "ratio": round(twenty / one, 2), "goal": 1.5,
            "megabytes_of_both_indexes": round(int(small) / 1e6, 2)}
