#!/usr/bin/env python3
"""Measures search: Daylight at a fixed rate over a catalogue of real titles, and against FastAPI over a bigram GIN index.

The catalogue is made from ../shared/data/catalogues, recombined the same way in every run, and goes straight into PostgreSQL. Prints JSON.

usage: search.py --daylight BINARY --python VENV_PYTHON [--sizes 100000 1000000] [--rate 50] [--seconds 60] [--no-fastapi]
"""
import argparse, asyncio, gzip, json, os, random, re, signal, socket, statistics, subprocess, sys, tempfile, time
import urllib.parse, urllib.request
from contextlib import contextmanager
from pathlib import Path

from measure import SEEDED

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
CATALOGUES = ROOT.parent / "shared/data/catalogues"
THEMES = ["财政预决算", "生态环境", "公共资源交易", "乡村振兴", "交通运输", "教育文化", "医疗卫生", "社会保障", "城乡建设", "农业农村", "市场监管", "公共安全"]
ITEMS = ["统计时间", "行政区划", "单位名称", "统一社会信用代码", "地址", "联系电话", "经度", "纬度", "数量", "金额（万元）", "备注", "编号", "类别", "监测站点", "浓度", "项目名称"]
CYCLES = ["real_time", "daily", "weekly", "monthly", "quarterly", "half_yearly", "yearly", "irregular"]
# What is asked for at the fixed rate: by kind, so that each has a line of its own. 数据 and 数据资源 stand in every record.
WORDS = {
    "two characters": ["交通", "环境", "统计", "学校", "预算", "空气", "停车", "补助", "人口", "公园", "水质", "农业", "土地", "名单", "医院", "旅游", "高雄", "台北", "消防", "图书"],
    "four characters": ["空气品质", "环境监测", "交通事故", "社会福利", "人口统计", "公共汽车", "垃圾清运", "停车资讯", "文化资产", "食品安全"],
    "two words": ["空气 监测", "交通 统计", "学校 名单", "预算 执行", "停车 位置", "人口 年龄", "补助 金额", "公园 地址", "水质 检测", "医院 名单"],
    "in every record": ["数据", "数据资源", "提供 数据"],
    "one character": ["水", "车", "校"],
    "English": ["data", "statistics", "census"],
}


def credit_code(body):
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    return body + alphabet[-sum(alphabet.index(c) * pow(3, i, 31) for i, c in enumerate(body)) % 31]


DEPARTMENTS = [credit_code(f"11{510000 + n % 90 * 100:06d}{n:09d}") for n in range(600)]


def psql(url, sql, stdin=None):
    done = subprocess.run(["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", url, "-c", sql], stdin=stdin, text=True, capture_output=True)
    if done.returncode:
        sys.exit(f"psql: {done.stderr}")
    return done.stdout.strip()


def sources():
    """Real titles, and real sentences for abstracts."""
    titles = [line.strip() for line in (CATALOGUES / "tw/data_gov_tw_titles.txt").read_text(encoding="utf-8").splitlines() if line.strip()]
    sentences, english = [], []
    for source in json.load(gzip.open(CATALOGUES / "firstdata/all-sources.json.gz"))["sources"]:
        sentences += [part for part in re.split("[。；]", source["description"].get("zh") or "") if 8 <= len(part) <= 60]
        english.append((source["name"]["en"], (source["description"].get("en") or "").split(". ")[0][:120]))
    return titles, sentences, english


def records(count):
    """Descriptions and schemas, deterministically: each a real title with another's abstract, keywords, items and department."""
    titles, sentences, english = sources()
    dice = random.Random(20261121)
    for n in range(count):
        title, other = titles[n % len(titles)], dice.choice(titles)
        year = 2010 + dice.randrange(16)
        if n >= len(titles):
            title = f"{year}年{title}" if n % 3 else f"{dice.choice(THEMES)}：{title}"
        name, sentence = dice.choice(english)
        description = {
            "title": {"zh": title} if n % 4 else {"zh": title, "en": name},
            "abstract": {"zh": f"本数据资源提供{title}，{dice.choice(sentences)}；并含{other}。"},
            "keywords": [dice.choice(THEMES), other[:6], dice.choice(titles)[:4]], "department": DEPARTMENTS[dice.randrange(600)], "theme": dice.choice(THEMES),
            "formats": dice.choice([["csv", "json"], ["csv"], ["csv", "json", "xlsx"]]), "share_type": dice.choice(["unconditional", "conditional"]),
            "openness": dice.choice(["unconditional", "conditional"]), "disclosure": "proactive", "update_cycle": dice.choice(CYCLES), "related": [],
            "licence": "CC-BY-4.0", "region": str(510000 + dice.randrange(90) * 100 + dice.randrange(12)), "temporal_from": str(year), "push_policy": "strict",
        }
        if n % 4 == 0:
            description["abstract"]["en"] = sentence
        fields = [{"name": f"f{i}", "title": {"zh": item}, "type": "text", "visibility": "public"} for i, item in enumerate(dice.sample(ITEMS, 6))]
        age, rows = dice.randrange(60 * 24 * 365), int(10 ** dice.uniform(0, 6))
        yield f"bench-{n}", description, {"fields": fields, "primary_key": ["f0"]}, age, rows


def seed(url, count):
    psql(url, "TRUNCATE daylight.dataset CASCADE")
    values = ", ".join(f"('{code}', '第{n}{THEMES[n % 12]}局', 'prefecture', '{510000 + n % 90 * 100}')" for n, code in enumerate(DEPARTMENTS))
    psql(url, f"INSERT INTO daylight.department (uscc, name_zh, level, region) VALUES {values} ON CONFLICT DO NOTHING")
    psql(url, "CREATE UNLOGGED TABLE IF NOT EXISTS public.bench_search (id text, department text, description jsonb, schema jsonb, age int, rows bigint); TRUNCATE public.bench_search")
    copy = subprocess.Popen(
        ["psql", "-X", "-q", url, "-c", r"\copy public.bench_search FROM STDIN (FORMAT csv, DELIMITER E'\x02', QUOTE E'\x01')"], stdin=subprocess.PIPE, text=True)
    for id, description, schema, age, rows in records(count):
        copy.stdin.write("\x02".join(
            [id, description["department"], json.dumps(description, ensure_ascii=False), json.dumps(schema, ensure_ascii=False), str(age), str(rows)]) + "\n")
    copy.stdin.close()
    if copy.wait():
        sys.exit("COPY failed")
    psql(url, """
        INSERT INTO daylight.dataset (id, department, state, description, schema, released_at, row_count)
        SELECT id, department, 'published', description, schema, now() - make_interval(mins => age), rows FROM public.bench_search""")
    psql(url, "VACUUM ANALYZE daylight.dataset")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def memory(pid, what):
    return int(re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text()).group(1)) / 1024


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def process(command, port, path, env, patience):
    with open(os.devnull, "wb") as sink:
        running = subprocess.Popen(command, stdout=sink, stderr=sink, env=env)
        try:
            begun = time.monotonic()
            while True:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=2).read()
                    break
                except OSError:
                    if running.poll() is not None or time.monotonic() - begun > patience:
                        sys.exit(f"{command[0]} does not serve")
                    time.sleep(0.1)
            yield running, time.monotonic() - begun
        finally:
            running.send_signal(signal.SIGTERM)
            running.wait(30)


def daylight(options):
    port = free_port()
    env = dict(
        os.environ, DATABASE_URL=options.database, DAYLIGHT_PORT=str(port), DAYLIGHT_ADMIN_PORT="off", DAYLIGHT_HOME=tempfile.mkdtemp(), DAYLIGHT_LOG_REQUESTS="false",
        DAYLIGHT_RATE_LIMITS="*.*=1000000000/60", DAYLIGHT_SCHEMA_DIR=str(ROOT / "schema"),
        # Every answer is to be computed: the few questions that are asked here would all be kept.
        DAYLIGHT_ANSWER_CAPACITY="0")
    return port, process([options.daylight, "serve"], port, "/health/ready", env, 300)


def target(words):
    return f"/v1/datasets?q={urllib.parse.quote(words)}&facets=true"


async def at_rate(port, rate, seconds):
    """Asks at fixed times, whatever has been answered so far; a time counts from when the request was due."""
    kinds = [(kind, words) for kind, all in WORDS.items() for words in all]
    dice = random.Random(7)
    times = {kind: [] for kind in WORDS}
    # In turn, so that none is idle for long.
    idle = asyncio.Queue()
    for _ in range(16):
        idle.put_nowait(await asyncio.open_connection("127.0.0.1", port, limit=1 << 20))

    async def ask(due, kind, words):
        reader, writer = await idle.get()
        writer.write(f"GET {target(words)} HTTP/1.1\r\nHost: bench\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            sys.exit(f"{words}: {head[:60]}")
        await reader.readexactly(int(re.search(rb"(?i)content-length: (\d+)", head).group(1)))
        times[kind].append((time.monotonic() - due) * 1000)
        idle.put_nowait((reader, writer))

    start = time.monotonic() + 0.1
    tasks = []
    for n in range(int(rate * seconds)):
        due = start + n / rate
        await asyncio.sleep(max(0, due - time.monotonic()))
        # The common kinds more often than the rare ones, the word in every record each tenth time.
        kind, words = dice.choice(kinds) if n % 10 else ("in every record", dice.choice(WORDS["in every record"]))
        tasks.append(asyncio.create_task(ask(due, kind, words)))
    await asyncio.gather(*tasks)
    return times


def spread(times):
    ordered = sorted(times)
    return {"p50_ms": round(statistics.median(ordered), 2), "p99_ms": round(ordered[int(len(ordered) * 0.99)], 2), "max_ms": round(ordered[-1], 2), "requests": len(ordered)}


def fixed_rate(options, count):
    port, server = daylight(options)
    with server as (running, loading):
        loaded = memory(running.pid, "VmRSS")
        answer = json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}{target('数据')}"))
        if answer["meta"]["total"] != count:
            sys.exit(f"the word in every record is in {answer['meta']['total']} of {count}")
        before = cpu_seconds(running.pid)
        times = asyncio.run(at_rate(port, options.rate, options.seconds))
        used = cpu_seconds(running.pid) - before
        found = changed(options.database, port)
        return {
            "datasets": count, "loading_seconds": round(loading, 1), "requests_per_second": options.rate, "all": spread(sum(times.values(), [])),
            **{kind: spread(taken) for kind, taken in times.items() if taken}, "cpu_of_one_core": round(used / options.seconds, 2), "memory_loaded_mb": round(loaded),
            "memory_mb": round(memory(running.pid, "VmRSS")), "memory_peak_mb": round(memory(running.pid, "VmHWM")), "goal_p99_ms": 50, "goal_memory_mb": 1024,
            "change_found_after_ms": found, "goal_change_ms": 1000,
        }


def changed(url, port):
    """Milliseconds until a changed title is found; the worst of some."""
    worst = 0
    for n in range(5):
        word = f"zqx{n}"
        psql(url, f"""UPDATE daylight.dataset SET description = jsonb_set(description, '{{title,en}}', '"{word}"') WHERE id = 'bench-{n}'; SELECT pg_notify('daylight_change', 'bench-{n}')""")
        begun = time.monotonic()
        while json.load(urllib.request.urlopen(f"http://127.0.0.1:{port}{target(word)}"))["meta"]["total"] != 1 and time.monotonic() - begun < 10:
            time.sleep(0.005)
        worst = max(worst, (time.monotonic() - begun) * 1000)
    return round(worst)


# Against FastAPI

def pairs(text):
    runs = re.findall(r"[一-鿿]+|[a-z0-9]+", text.lower())
    return {run[i:i + 2] for run in runs for i in range(len(run) - 1)} | {run for run in runs if run.isascii()}


def seed_fastapi(url, count):
    """The same records as its users would keep them: a narrow table with the pairs as a tsvector, and what is shown beside it."""
    psql(url, """DROP TABLE IF EXISTS public.bench_fast; CREATE TABLE public.bench_fast (id text PRIMARY KEY, title text, abstract text, keywords text, department text, theme text,
        region text, formats text, cycle text, share text, openness text, rows bigint, released timestamptz, search tsvector)""")
    copy = subprocess.Popen(
        ["psql", "-X", "-q", url, "-c", r"\copy public.bench_fast FROM STDIN (FORMAT csv, DELIMITER E'\x02', QUOTE E'\x01')"], stdin=subprocess.PIPE, text=True)
    for id, d, _, age, rows in records(count):
        text = " ".join([d["title"]["zh"], d["title"].get("en", ""), d["abstract"]["zh"], d["abstract"].get("en", ""), *d["keywords"]])
        released = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - age * 60))
        copy.stdin.write("\x02".join(
            [id, d["title"]["zh"], d["abstract"]["zh"], "|".join(d["keywords"]), d["department"], d["theme"], d["region"], ",".join(d["formats"]), d["update_cycle"],
             d["share_type"], d["openness"], str(rows), released, " ".join(sorted(f"'{pair}'" for pair in pairs(text)))]) + "\n")
    copy.stdin.close()
    if copy.wait():
        sys.exit("COPY failed")
    psql(url, "CREATE INDEX ON public.bench_fast USING gin (search) WITH (fastupdate = off)")
    psql(url, "VACUUM ANALYZE public.bench_fast")


def wrk(port, words, path, connections, seconds):
    targets = ", ".join(f'"{path}{urllib.parse.quote(word)}&facets=true"' for word in words)
    script = Path(tempfile.mkdtemp()) / "wrk.lua"
    script.write_text(f'local targets = {{{targets}}}\n{SEEDED}request = function() return wrk.format("GET", targets[math.random(#targets)]) end\n')
    output = subprocess.run(
        ["wrk", "-t", "2", "-c", str(connections), "-d", f"{seconds}s", "--timeout", "30s", "--latency", "-s", str(script), f"http://127.0.0.1:{port}"], text=True,
        capture_output=True).stdout
    if "Non-2xx" in output or "Socket errors" in output:
        sys.exit(f"wrk: {output}")
    return float(re.search(r"Requests/sec:\s+([\d.]+)", output).group(1))


def against_fastapi(options, count):
    seed_fastapi(options.database, count)
    port, server = daylight(options)
    other = free_port()
    command = [options.python, "-m", "uvicorn", "search_fastapi:app", "--port", str(other), "--workers", "2", "--loop", "uvloop", "--http", "httptools", "--no-access-log",
               "--app-dir", str(HERE)]
    result = {"datasets": count, "goal_ratio": 10}
    with server, process(command, other, "/health", dict(os.environ, DATABASE_URL=options.database), 30):
        for kind in ["two characters", "four characters", "two words"]:
            ours, theirs = [], []
            for _ in range(options.rounds):
                ours.append(wrk(port, WORDS[kind], "/v1/datasets?q=", 16, 5))
                theirs.append(wrk(other, WORDS[kind], "/search?q=", 16, 5))
            result[kind] = {
                "requests_per_second": round(statistics.median(ours)), "fastapi_requests_per_second": round(statistics.median(theirs)),
                "ratio": round(statistics.median(a / b for a, b in zip(ours, theirs)), 1)}
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--database", default=os.environ.get("DATABASE_URL"))
    parser.add_argument("--daylight", required=True)
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-fastapi", action="store_true")
    options = parser.parse_args()
    if not CATALOGUES.is_dir():
        sys.exit(f"{CATALOGUES} is not there: the catalogue is made from real titles")
    results = {}
    for count in options.sizes:
        seed(options.database, count)
        results[f"search_{count}"] = fixed_rate(options, count)
        print(json.dumps(results, ensure_ascii=False, indent=2), file=sys.stderr)
        if count <= 100_000 and not options.no_fastapi:
            results[f"search_{count}_fastapi"] = against_fastapi(options, count)
    print(json.dumps(results, ensure_ascii=False, indent=2))


main()
