#!/usr/bin/env python3
"""Measures Daylight against the limits of the machine: pgbench, psql, nginx, and FastAPI and Datasette for comparison.

Each figure is a ratio of two measurements of the same run, which take turns. Prints JSON.
"""
import argparse, csv, datetime, functools, hashlib, json, os, re, shutil, signal, socket, sqlite3, statistics, subprocess, sys, tempfile, time
import urllib.error, urllib.parse, urllib.request
from contextlib import contextmanager
from pathlib import Path

import bulk, differences, hot, ledger
from measure import SEEDED, Peak, cpu_seconds, free_port, middle, ratio, resident, timed

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CITIES = 40
FIELDS = [
    ("id", "integer"), ("station", "code"), ("city", "text"), ("observed_at", "datetime"), ("pm25", "decimal(8,2)"), ("pm10", "decimal(8,2)"),
    ("so2", "decimal(8,2)"), ("no2", "decimal(8,2)"), ("o3", "decimal(8,2)"), ("aqi", "integer"), ("valid", "boolean"), ("remark", "text"),
]
NAMES = ", ".join(name for name, _ in FIELDS)
TYPES = {"integer": "bigint", "code": 'text COLLATE "C"', "text": 'text COLLATE "C"', "datetime": "timestamptz", "boolean": "boolean"}
SQLITE = {"integer": "integer", "code": "text", "text": "text", "datetime": "text", "boolean": "text"}


def credit_code(body):
    """Adds the check character of GB 32100-2015."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    return body + alphabet[-sum(alphabet.index(c) * pow(3, i, 31) for i, c in enumerate(body)) % 31]


def fnv1a(text):
    """What relations of roll-ups are named by."""
    return functools.reduce(lambda hash, byte: (hash ^ byte) * 0x100000001B3 % (1 << 64), text.encode(), 0xCBF29CE484222325)


USCC = credit_code("11130631000000001")


class Bench:
    columns = NAMES
    rollups = [{"name": "city_days", "group_by": ["city", "day(observed_at)"], "select": ["avg(pm25)", "max(pm25)"]}]

    def __init__(self, options):
        self.options = options
        self.url = options.database
        self.work = Path(tempfile.mkdtemp(prefix="daylight-bench-"))
        self.dataset = "bench-readings"
        self.root, self.department = ROOT, ADD_DEPARTMENT
        self.results = {}

    # PostgreSQL

    def psql(self, sql, role=None, capture=True, url=None):
        env = dict(os.environ)
        if role:
            env["PGOPTIONS"] = f"-c role={role}"
        done = subprocess.run(["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", url or self.url], input=sql, text=True, capture_output=capture, env=env)
        if done.returncode:
            sys.exit(f"psql: {done.stderr}")
        return done.stdout.strip()

    def seed(self):
        rows = self.options.rows
        if self.psql(f"SELECT row_count FROM daylight.dataset WHERE id = '{self.dataset}'") == str(rows):
            self.number = int(self.psql(f"SELECT number FROM daylight.dataset WHERE id = '{self.dataset}'"))
            return
        schema, description = self.describe()
        # Only of this dataset: the push below is measured as it was before.
        schema["rollups"] = self.rollups
        def text(value):
            return "'" + json.dumps(value, ensure_ascii=False).replace("'", "''") + "'"
        number = self.number = int(self.psql(f"""
            {ADD_DEPARTMENT}
            INSERT INTO daylight.dataset (id, department, description, schema) VALUES ('{self.dataset}', '{USCC}', {text(description)}, {text(schema)})
            RETURNING number;"""))
        columns = ", ".join(f"{n} {TYPES.get(t) or t.replace('decimal', 'numeric')}" for n, t in FIELDS)
        self.psql(f"""
            SET TimeZone = '<+08>-08'; SET ROLE daylight_writer;
            CREATE TABLE data.d{number} (_since integer NOT NULL, _until integer, {columns});
            INSERT INTO data.d{number} SELECT 1, NULL, {ROW_SQL} FROM generate_series(1, {rows}::bigint) AS i;
            CREATE UNIQUE INDEX d{number}_key ON data.d{number} (id) WHERE _until IS NULL;
            CREATE INDEX d{number}_history ON data.d{number} (id) WHERE _until IS NOT NULL;
            CREATE INDEX d{number}_city ON data.d{number} (city, observed_at, id) WHERE _until IS NULL;
            CREATE VIEW published.d{number} AS SELECT {NAMES}, _since, _until FROM data.d{number};
            GRANT SELECT ON published.d{number} TO daylight_reader;
            RESET ROLE;""")
        self.psql(f"VACUUM ANALYZE data.d{number}")
        self.roll_up(number)
        # The canonical CSV, by PostgreSQL alone: what the server renders must have this digest.
        canonical = NAMES.replace("observed_at", "to_char(observed_at, 'YYYY-MM-DD\"T\"HH24:MI:SS') || '+08:00'").replace("valid", "valid::text")
        copy = subprocess.Popen(
            ["psql", "-X", "-q", self.url, "-c", "SET TimeZone = '<+08>-08'", "-c", f"COPY (SELECT {canonical} FROM data.d{number} ORDER BY id) TO STDOUT (FORMAT csv)"],
            stdout=subprocess.PIPE)
        header = (NAMES.replace(" ", "") + "\n").encode()
        digest, size = hashlib.sha256(header), len(header)
        while chunk := copy.stdout.read(1 << 20):
            digest.update(chunk)
            size += len(chunk)
        if copy.wait():
            sys.exit("COPY failed")
        self.psql(f"""
            INSERT INTO daylight.version (dataset, number, digest, row_count, added, changed, removed, byte_count, schema, department)
            VALUES ('{self.dataset}', 1, '{digest.hexdigest()}', {rows}, {rows}, 0, 0, {size}, {text(schema)}, '{USCC}');
            UPDATE daylight.dataset SET state = 'published', current_version = 1, row_count = {rows}, released_at = now() WHERE id = '{self.dataset}';""")

    def roll_up(self, number):
        """What a release makes of the roll-up that the schema declares."""
        relation = f"r{number}_{fnv1a('city,day_observed_at|count,sum_pm25,count_pm25,max_pm25'):x}"
        self.psql(f"""
            SET ROLE daylight_writer;
            CREATE TABLE data.{relation} AS SELECT 1 AS _since, NULL::integer AS _until, city AS _g0, (observed_at AT TIME ZONE INTERVAL '08:00')::date AS _g1,
                count(*) AS _p0, sum(pm25) AS _p1, count(pm25) AS _p2, max(pm25) AS _p3 FROM data.d{number} WHERE _until IS NULL GROUP BY city, 4;
            CREATE INDEX {relation}_current ON data.{relation} (_since) WHERE _until IS NULL;
            CREATE VIEW published.{relation} AS SELECT * FROM data.{relation};
            GRANT SELECT ON published.{relation} TO daylight_reader;
            INSERT INTO daylight.rollup (relation, dataset, since, groups) SELECT '{relation}', '{self.dataset}', 1, count(*) FROM data.{relation};
            RESET ROLE;
            VACUUM ANALYZE data.{relation};""")

    @staticmethod
    def describe():
        schema = {
            "fields": [{"name": n, "title": {"zh": n}, "type": t, "required": n == "id", "visibility": "public"} for n, t in FIELDS], "primary_key": ["id"],
            "indexes": [["city", "observed_at", "id"]],
        }
        return schema, {
            "title": {"zh": "基准测试数据"}, "abstract": {"zh": "基准测试"}, "department": USCC, "share_type": "unconditional", "openness": "unconditional",
            "disclosure": "proactive", "update_cycle": "never", "licence": "CC0-1.0", "schema": schema,
        }

    def pgbench_seconds(self, script):
        """How long one client waits for one statement, without what connecting takes."""
        path = self.work / "script.sql"
        path.write_text(script)
        env = dict(os.environ, PGOPTIONS="-c role=daylight_reader")
        output = subprocess.run(["pgbench", "-n", "-M", "prepared", "-c", "1", "-t", "1", "-f", str(path), self.url], text=True, capture_output=True, env=env)
        found = re.search(r"latency average = ([\d.]+) ms", output.stdout)
        if not found:
            sys.exit(f"pgbench: {output.stderr}")
        return float(found.group(1)) / 1000

    def pgbench(self, script, clients, seconds):
        path = self.work / "script.sql"
        path.write_text(script)
        env = dict(os.environ, PGOPTIONS="-c role=daylight_reader")
        output = subprocess.run(
            ["pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds), "-f", str(path), self.url], text=True, capture_output=True, env=env)
        found = re.search(r"tps = ([\d.]+) \(without", output.stdout)
        if not found:
            sys.exit(f"pgbench: {output.stderr}")
        return float(found.group(1))

    # servers

    @contextmanager
    def process(self, command, port, env=None, path="/", log=None):
        with open(log or os.devnull, "wb") as sink:
            process = subprocess.Popen(command, stdout=sink, stderr=sink, env=env)
            try:
                for _ in range(200):
                    try:
                        urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2).read()
                        break
                    except OSError:
                        if process.poll() is not None:
                            sys.exit(f"{command[0]} ended with {process.returncode}; see {log}")
                        time.sleep(0.05)
                yield process
            finally:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()

    def daylight(self, limits="*.*=1000000000/60", binary=None, url=None, schema=ROOT / "schema"):
        port = free_port()
        self.port = port
        env = dict(
            os.environ, DATABASE_URL=url or self.url, DAYLIGHT_PORT=str(port), DAYLIGHT_ADMIN_PORT="off", DAYLIGHT_HOME=str(self.work / "home"),
            DAYLIGHT_RATE_LIMITS=limits, DAYLIGHT_SCHEMA_DIR=str(schema))
        return self.process([binary or self.options.daylight, "serve"], port, env, "/health/live", self.work / "daylight.log")

    def fastapi(self):
        port = free_port()
        self.fastapi_port = port
        env = dict(os.environ, DATABASE_URL=self.url, BENCH_VIEW=f"published.d{self.number}")
        command = [self.options.python, "-m", "uvicorn", "fastapi_app:app", "--port", str(port), "--workers", "2", "--loop", "uvloop", "--http", "httptools",
                   "--no-access-log", "--app-dir", str(HERE)]
        return self.process(command, port, env, "/health", self.work / "fastapi.log")

    def datasette(self):
        """The same rows in SQLite with the same indexes, served read-only; its limits on time and rows are lifted as far as the questions need."""
        file = self.work / "bench.db"
        if not file.exists():
            database = sqlite3.connect(file)
            database.execute(f"CREATE TABLE readings ({', '.join(n + (' integer primary key' if n == 'id' else ' ' + SQLITE.get(t, 'real')) for n, t in FIELDS)})")
            copy = subprocess.Popen(
                ["psql", "-X", "-q", self.url, "-c", "SET TimeZone = '<+08>-08'", "-c", f"COPY (SELECT {NAMES} FROM data.d{self.number} ORDER BY id) TO STDOUT (FORMAT csv)"],
                stdout=subprocess.PIPE, text=True)
            marks = ", ".join("?" * len(FIELDS))
            database.executemany(f"INSERT INTO readings VALUES ({marks})", csv.reader(copy.stdout))
            database.execute("CREATE INDEX readings_city ON readings (city, observed_at, id)")
            database.commit()
            database.close()
            if copy.wait():
                sys.exit("COPY failed")
        port = free_port()
        self.datasette_port = port
        command = [self.options.python, "-m", "datasette", "serve", "--immutable", str(file), "--port", str(port)]
        for name, value in (("sql_time_limit_ms", 60000), ("max_returned_rows", 10000), ("default_cache_ttl", 0)):
            command += ["--setting", name, str(value)]
        return self.process(command, port, None, "/-/versions.json", self.work / "datasette.log")

    def nginx(self, folder):
        port = free_port()
        self.nginx_port = port
        conf = self.work / "nginx.conf"
        conf.write_text(f"""
            {"user root;" if os.geteuid() == 0 else ""}
            daemon off; worker_processes 2; pid {self.work}/nginx.pid; error_log {self.work}/nginx.log; events {{ worker_connections 512; }}
            http {{ access_log off; sendfile on; tcp_nopush on; types {{ text/csv csv; }} server {{ listen 127.0.0.1:{port}; root {folder}; }} }}""")
        return self.process(["nginx", "-c", str(conf), "-p", str(self.work)], port, None, "/probe")

    def wrk(self, port, script, connections, seconds, refused=False):
        path = self.work / "wrk.lua"
        path.write_text(script)
        output = subprocess.run(
            ["wrk", "-t", "2", "-c", str(connections), "-d", f"{seconds}s", "--latency", "-s", str(path), f"http://127.0.0.1:{port}"], text=True, capture_output=True).stdout
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1))
        errors = re.search(r"Non-2xx or 3xx responses: (\d+)", output)
        p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", output)
        scale = {"us": 0.001, "ms": 1, "s": 1000}
        if bool(errors) != refused or "Socket errors" in output:
            sys.exit(f"wrk: {output}")
        return rate, float(p99.group(1)) * scale[p99.group(2)]

    # what is measured

    def requests(self, name, pgbench, path_lua, fastapi_lua, datasette_lua, goal, goal_fastapi):
        """Requests per second against pgbench of the same SELECT, against FastAPI, and against Datasette."""
        seconds, ours, limits, p99, theirs, datasette, cpu = self.options.seconds, [], [], [], [], [], []
        with self.daylight() as server, self.fastapi(), self.datasette():
            self.wrk(self.port, path_lua, 64, 2)
            self.wrk(self.fastapi_port, fastapi_lua, 64, 2)
            for _ in range(self.options.rounds):
                limits.append(self.pgbench(pgbench, 16, seconds))
                before = cpu_seconds(server.pid)
                rate, late = self.wrk(self.port, path_lua, 64, seconds)
                cpu.append((cpu_seconds(server.pid) - before) / (rate * seconds) * 10_000)
                ours.append(rate)
                p99.append(late)
                theirs.append(self.wrk(self.fastapi_port, fastapi_lua, 64, seconds)[0])
                # It answers one at a time; more connections would only wait.
                datasette.append(self.wrk(self.datasette_port, datasette_lua, 4, seconds)[0])
        self.results[name] = {
            "requests_per_second": middle(ours), "pgbench_tps": middle(limits), "fastapi_requests_per_second": middle(theirs),
            "datasette_requests_per_second": middle(datasette), "ratio_to_datasette": ratio(ours, datasette),
            "ratio_to_pgbench": ratio(ours, limits), "goal": goal, "ratio_to_fastapi": ratio(ours, theirs), "goal_to_fastapi": goal_fastapi,
            "p99_ms": middle(p99), "cpu_seconds_per_10000": middle(cpu),
        }

    def row(self):
        rows = self.options.rows
        self.requests(
            "row_by_key", f"\\set id random(1, {rows})\nSELECT {NAMES} FROM published.d{self.number} WHERE _until IS NULL AND id = :id;\n",
            f'{SEEDED}request = function() return wrk.format("GET", "/v1/datasets/{self.dataset}/rows/" .. math.random(1, {rows})) end\n',
            f'{SEEDED}request = function() return wrk.format("GET", "/rows/" .. math.random(1, {rows})) end\n',
            f'{SEEDED}request = function() return wrk.format("GET", "/bench/readings/" .. math.random(1, {rows}) .. ".json?_shape=objects") end\n', 0.6, 7)

    def page(self):
        hours = max(1, self.options.rows // 900 - 50)
        pgbench = (
            f"\\set city random(0, {CITIES - 1})\n\\set hour random(0, {hours})\nSELECT {NAMES} FROM published.d{self.number} WHERE _until IS NULL AND city = '城市' || :city "
            f"AND observed_at >= timestamptz '2013-03-01 00:00:00+08' + :hour * interval '1 hour' ORDER BY observed_at, id LIMIT 100;\n")
        def lua(path, form="%Y-%m-%dT%H:00:00Z", rest="&sort=observed_at&limit=100"):
            city = urllib.parse.quote("城市")
            return (
                f'{SEEDED}request = function()\n  local t = os.date("!{form}", 1362067200 + math.random(0, {hours}) * 3600)\n'
                f'  return wrk.format("GET", "{path}?city={city}" .. math.random(0, {CITIES - 1}) .. "&observed_at__gte=" .. t .. "{rest}")\nend\n')
        datasette = lua("/bench/readings.json", "%Y-%m-%d+%H:00:00%%2B08", "&_sort=observed_at&_size=100&_nocount=1&_nofacet=1&_shape=objects")
        self.requests("page_100x12", pgbench, lua(f"/v1/datasets/{self.dataset}/rows"), lua("/rows"), datasette, 0.6, 4)

    def aggregate_sql(self, field):
        """The statement that the server runs."""
        average = f"div(sum({field}) * 2e6 + sign(sum({field})) * count({field}), 2 * count({field})) * 1e-6"
        return (
            f"SELECT _0, _1, _2, _3, _4 FROM (SELECT city AS _0, (observed_at AT TIME ZONE INTERVAL '08:00')::date AS _1, count(*) AS _2, {average} AS _3, max({field}) AS _4 "
            f"FROM published.d{self.number} WHERE _until IS NULL GROUP BY 1, 2) AS groups "
            f"WHERE (SELECT current_version FROM published.release WHERE dataset_number = {self.number}) = 1 ORDER BY _0 NULLS LAST, _1 NULLS LAST LIMIT 10001")

    def aggregate_path(self, field):
        return f"/v1/datasets/{self.dataset}/aggregate?group_by=city,day(observed_at)&select=count(*),avg({field}),max({field})&limit=10000"

    def get(self, port, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=120) as response:
            return response.read()

    def aggregate(self):
        """All rows by city and day, computed from the rows, by one client."""
        path, limits, ours, theirs, datasette = self.aggregate_path("pm10"), [], [], [], []
        sql = "SELECT city, substr(observed_at, 1, 10) AS day, count(*), avg(pm10), max(pm10) FROM readings GROUP BY 1, 2 ORDER BY 1, 2 LIMIT 10000"
        with self.daylight(), self.fastapi(), self.datasette():
            answer = json.loads(self.get(self.port, path))
            if answer["meta"]["rollup"] is not None or sum(group["count"] for group in answer["data"]) != self.options.rows:
                sys.exit(f"aggregate: {answer['meta']}")
            for _ in range(self.options.rounds):
                limits.append(self.pgbench_seconds(self.aggregate_sql("pm10") + ";\n"))
                ours.append(timed(lambda: self.get(self.port, path)))
                theirs.append(timed(lambda: self.get(self.fastapi_port, "/aggregate?field=pm10")))
                datasette.append(timed(lambda: self.get(self.datasette_port, "/bench.json?_shape=objects&sql=" + urllib.parse.quote(sql))))
        self.results["aggregate"] = {
            "seconds": middle(ours), "pgbench_seconds": middle(limits), "fastapi_seconds": middle(theirs), "datasette_seconds": middle(datasette),
            "ratio_to_pgbench": ratio(limits, ours), "goal": 0.9, "ratio_to_fastapi": ratio(theirs, ours), "ratio_to_datasette": ratio(datasette, ours),
            "groups": len(answer["data"]),
        }

    def rollup(self):
        """The same question of a field that the roll-up keeps, and one by month; each answer is held against the rows."""
        path = self.aggregate_path("pm25")
        months = f"/v1/datasets/{self.dataset}/aggregate?group_by=city,month(observed_at)&select=count(*),avg(pm25),max(pm25)&limit=10000"
        days, by_month, rates, late = [], [], [], []
        with self.daylight():
            answer = json.loads(self.get(self.port, path))
            rows = [line.split("|") for line in self.psql(self.aggregate_sql("pm25")).splitlines()]
            given = [[g["city"], g["day_observed_at"], g["count"], g["avg_pm25"], g["max_pm25"]] for g in answer["data"]]
            if answer["meta"]["rollup"] != "city_days" or given != [[c, d, int(n), float(a), float(m)] for c, d, n, a, m in rows]:
                sys.exit(f"rollup: {answer['meta']}")
            for _ in range(self.options.rounds):
                days += [timed(lambda: self.get(self.port, path)) for _ in range(10)]
                by_month += [timed(lambda: self.get(self.port, months)) for _ in range(10)]
                rate, slow = self.wrk(self.port, f"request = function() return wrk.format('GET', '{path}') end", 2, self.options.seconds)
                rates.append(rate)
                late.append(slow)
        self.results["rollup"] = {
            "milliseconds": middle([t * 1000 for t in days]), "goal_milliseconds": 20, "by_month_milliseconds": middle([t * 1000 for t in by_month]),
            "requests_per_second_2_clients": middle(rates), "p99_ms_2_clients": middle(late), "groups": len(answer["data"]),
        }

    def csv(self):
        select = f"SELECT {NAMES} FROM published.d{self.number} WHERE _until IS NULL ORDER BY id"
        env = dict(os.environ, PGOPTIONS="-c role=daylight_reader")
        ours, limits, memory = [], [], []
        with self.daylight() as server:
            url = f"http://127.0.0.1:{self.port}/v1/datasets/{self.dataset}/rows.csv"
            subprocess.run(["curl", "-sf", "-o", "/dev/null", url + "?id__lt=100"], check=True)
            idle = resident(server.pid)
            for _ in range(self.options.rounds):
                limits.append(timed(lambda: subprocess.run(["psql", "-X", "-q", self.url, "-c", f"\\copy ({select}) to '/dev/null' csv"], check=True, env=env)))
                with Peak(server.pid) as peak:
                    ours.append(timed(lambda: subprocess.run(["curl", "-sf", "-o", "/dev/null", url], check=True)))
                memory.append(peak.value - idle)
        rows = self.options.rows
        self.results["csv_live"] = {
            "rows_per_second": rows / middle(ours), "psql_copy_rows_per_second": rows / middle(limits), "ratio_to_psql_copy": ratio(limits, ours), "goal": 1.0,
            "memory_above_idle_mb": max(memory) / 1e6, "goal_memory_mb": 60,
        }

    def file(self):
        with self.daylight() as server:
            url = f"http://127.0.0.1:{self.port}/v1/datasets/{self.dataset}/data.csv"
            served = self.work / "www"
            served.mkdir(exist_ok=True)
            (served / "probe").write_text("ok")
            subprocess.run(["curl", "-sf", "-o", served / "data.csv", url], check=True)
            size = (served / "data.csv").stat().st_size
            ours, limits = [], []
            with self.nginx(served):
                for _ in range(self.options.rounds):
                    for port, path, rates in ((self.nginx_port, "/data.csv", limits), (self.port, f"/v1/datasets/{self.dataset}/data.csv", ours)):
                        rates.append(self.wrk(port, f'wrk.path = "{path}"\n', 2, self.options.seconds)[0] * size)
        self.results["csv_file"] = {
            "bytes_per_second": middle(ours), "nginx_bytes_per_second": middle(limits), "ratio_to_nginx": ratio(ours, limits), "goal": 0.9, "bytes": size}

    def hot(self):
        hot.hot(self)

    def refused(self):
        hot.refused(self)

    def slow(self):
        hot.slow(self)

    def proof(self):
        ledger.proof(self)

    def release(self):
        ledger.release(self)

    def large(self):
        bulk.large(self)

    def workbook(self):
        bulk.workbook(self)

    def rolled(self):
        bulk.rolled(self)

    def diff(self):
        self.psql(ADD_DEPARTMENT)
        self.results["diff"] = differences.measure(self, ROW_SQL, NAMES, TYPES, FIELDS)

    def push(self):
        """A push of CSV rows to its release, against COPY into a temporary table and INSERT into a table with the same indexes."""
        rows = self.options.push_rows
        self.psql(ADD_DEPARTMENT)
        file = self.work / "push.csv"
        self.write_rows(file, rows)
        pusher = self.key("bench push", "push", "release")
        reviewer = self.key("bench review", "review")
        table = ", ".join(f"{n} {TYPES.get(t) or t.replace('decimal', 'numeric')}" for n, t in FIELDS)
        ours, limits, states = [], [], []
        with self.daylight():
            for _ in range(self.options.rounds):
                self.psql(f"""DROP TABLE IF EXISTS public.bench_push; CREATE TABLE public.bench_push (_since integer NOT NULL, _until integer, {table});
                    CREATE UNIQUE INDEX ON public.bench_push (id) WHERE _until IS NULL; CREATE INDEX ON public.bench_push (id) WHERE _until IS NOT NULL;
                    CREATE INDEX ON public.bench_push (city, observed_at, id) WHERE _until IS NULL;""")
                limits.append(timed(lambda: self.psql(
                    f"CREATE TEMP TABLE incoming ({table});\n\\copy incoming from '{file}' (format csv, header)\nINSERT INTO public.bench_push SELECT 1, NULL, * FROM incoming;\n")))
                self.psql("DROP TABLE public.bench_push")
                dataset = f"bench-push-{os.urandom(4).hex()}"
                base = f"/v1/datasets/{dataset}"
                self.ask("PUT", base, pusher, self.describe()[1], {"If-None-Match": "*"})

                def whole():
                    push = self.upload(file, base, pusher, self.port)
                    review = {"decision": "pass", "legal_basis": "政府信息公开条例", "digest": push["digest"]}
                    self.ask("POST", f"/v1/pushes/{push['id']}/reviews", reviewer, review)
                    states.append(self.ask("POST", f"/v1/pushes/{push['id']}/release", pusher, {})["push"]["state"])

                ours.append(timed(whole))
        self.results["push"] = {
            "rows_per_second": round(rows / middle(ours)), "copy_and_insert_rows_per_second": round(rows / middle(limits)), "ratio_to_copy_and_insert": ratio(limits, ours),
            "goal": 0.8, "ratio_to_ckan": round(rows / middle(ours) / 2300, 1), "goal_to_ckan": 30, "states": states, "rows": rows,
        }

    def write_rows(self, file, rows, step=1, added=0):
        """A file to push, in key order: every `step`-th row, with something added to its first measurement."""
        with open(file, "wb") as out:
            out.write((NAMES.replace(" ", "") + "\n").encode())
            out.flush()
            columns = ROW_SQL.replace("i % 17 <> 0", "(i % 17 <> 0)::text").replace("% 50000) / 100.0", f"% 50000) / 100.0 + {added}")
            select = f"SELECT {columns} FROM generate_series(1, {rows}::bigint, {step}) AS i"
            subprocess.run(["psql", "-X", "-q", self.url, "-c", "SET TimeZone = '<+08>-08'", "-c", f"COPY ({select}) TO STDOUT (FORMAT csv)"], stdout=out, check=True)

    def upload(self, file, base, key, port, mode="replace"):
        """Pushes a file; the push as it was accepted."""
        done = subprocess.run(
            ["curl", "-sS", "-X", "POST", "-H", f"Authorization: Bearer {key}", "-H", "Content-Type: text/csv", "-H", "Expect:", "-T", str(file),
             f"http://127.0.0.1:{port}{base}/pushes?mode={mode}"], capture_output=True, text=True, check=True)
        push = json.loads(done.stdout)
        if "digest" not in push:
            sys.exit(f"push: {done.stdout[:2000]}")
        return push

    def key(self, label, *scopes, binary=None, url=None):
        command = [binary or self.options.daylight, "keys", "create", "--label", label, "--tier", "trusted"]
        if "review" not in scopes:
            command += ["--department", USCC]
        for scope in scopes:
            command += ["--scope", scope]
        done = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, DATABASE_URL=url or self.url))
        if done.returncode:
            sys.exit(f"keys: {done.stderr}")
        return done.stdout.strip().split()[-1]

    def ask(self, method, path, key, body, headers={}, port=None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{port or self.port}{path}", json.dumps(body).encode(), {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **headers}, method=method)
        try:
            return json.loads(urllib.request.urlopen(request, timeout=600).read())
        except urllib.error.HTTPError as error:
            sys.exit(f"{method} {path}: {error.code} {error.read().decode()[:2000]}")

    def run(self):
        if set(self.options.only) - {"push", "proof", "release", "rolled", "diff"}:
            self.seed()
        for name in self.options.only:
            print(f"measuring {name}", file=sys.stderr)
            before = set(self.results)
            getattr(self, name)()
            for result in set(self.results) - before:
                self.results[result] |= {"measured": datetime.date.today().isoformat(), "command": f"Benchmarks/run.sh {' '.join(sys.argv[5:])}".strip()}
        self.results["machine"] = {
            "cores": os.cpu_count(), "postgresql": self.psql("SHOW server_version"), "shared_buffers": self.psql("SHOW shared_buffers"), "rows": self.options.rows}
        shutil.rmtree(self.work, ignore_errors=True)
        return self.results


ADD_DEPARTMENT = f"INSERT INTO daylight.department (uscc, name_zh, level, region) VALUES ('{USCC}', '基准测试局', 'county', '130631') ON CONFLICT DO NOTHING;"
ROW_SQL = """i, 'S' || lpad((i % 900)::text, 4, '0'), '城市' || (i % 40), timestamptz '2013-03-01 00:00:00+08' + make_interval(hours => (i / 900)::int),
    (i * 7919 % 50000) / 100.0, (i * 104729 % 60000) / 100.0, (i * 1299709 % 9000) / 100.0, (i * 15485863 % 20000) / 100.0, (i * 32452843 % 30000) / 100.0,
    i * 7919 % 500, i % 17 <> 0, CASE WHEN i % 10 = 0 THEN '仪器校准，数据仅供参考' END"""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", default=os.environ.get("DATABASE_URL"), help="a migrated database of its own")
    parser.add_argument("--daylight", default=str(ROOT / ".build/release/daylight"))
    parser.add_argument("--python", default=sys.executable, help="a Python with fastapi, uvicorn, uvloop, httptools, asyncpg and orjson")
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--push-rows", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--before", help="a checkout from before migration 0009, built in the release configuration: what `release` is measured against")
    parser.add_argument("--only", nargs="*", default=["row", "page", "aggregate", "rollup", "csv", "file", "push", "proof", "release", "hot", "refused", "slow", "diff"])
    options = parser.parse_args()
    if not options.database:
        parser.error("--database or DATABASE_URL is needed")
    print(json.dumps(Bench(options).run(), indent=2, ensure_ascii=False))


main()
