"""Hot answers, refusals and slow clients: what must cost next to nothing. Each figure is measured in turn with its limit."""
import json, os, subprocess, time, urllib.request

from measure import SEEDED, children, cpu_seconds, free_port, middle, ratio


def hot(bench):
    """An answer kept in memory and its 304, against nginx serving the same bytes from a file that it keeps open."""
    with bench.daylight() as server:
        path = f"/v1/datasets/{bench.dataset}/rows?limit=10"
        for _ in range(5):
            answer = urllib.request.urlopen(f"http://127.0.0.1:{bench.port}{path}")
            body, tag = answer.read(), answer.headers["ETag"]
        folder = bench.work / "hot"
        folder.mkdir(exist_ok=True)
        (folder / "probe").write_text("ok")
        (folder / "answer.json").write_bytes(body)
        with nginx(bench, f"open_file_cache max=10; open_file_cache_valid 60s; root {folder};"):
            theirs = urllib.request.urlopen(f"http://127.0.0.1:{bench.nginx_port}/answer.json").headers["ETag"]
            for name, ours, limit in (
                ("hot_answer", f'wrk.path = "{path}"\n', 'wrk.path = "/answer.json"\n'),
                ("hot_304", lua(path, tag), lua("/answer.json", theirs)),
            ):
                bench.results[name] = against(bench, server, bench.port, ours, bench.nginx_port, limit, 0.6) | {"bytes": len(body)}


def refused(bench):
    """429 against nginx's, and its processor time in turn with that of answers that it may replace."""
    path = f"/v1/datasets/{bench.dataset}/rows"
    kept = f'wrk.path = "{path}/1"\n'
    rows = f'{SEEDED}request = function() return wrk.format("GET", "{path}/" .. math.random(1, {bench.options.rows})) end\n'
    pages = f'n = 0\nrequest = function() n = n + 1 return wrk.format("GET", "{path}?limit=100&id__gt=" .. n % 100000) end\n'
    def at_once(request):
        return f"{SEEDED}request = function() local all = {{}} for i = 1, 16 do all[i] = {request} end return table.concat(all) end\n"

    sixteen_kept = at_once(f'wrk.format("GET", "{path}/1")')
    sixteen_rows = at_once(f'wrk.format("GET", "{path}/" .. math.random(1, {bench.options.rows}))')
    folder = bench.work / "hot"
    folder.mkdir(exist_ok=True)
    (folder / "probe").write_text("ok")
    (folder / "answer.json").write_text("{}")
    key = bench.key("refused", "read")
    keyed = f'wrk.headers["Authorization"] = "Bearer {key}"\n'
    limited = f"root {folder}; location = /probe {{ }} location / {{ limit_req zone=one nodelay; limit_req_status 429; }}"
    with bench.daylight(limits="*.*=1/86400") as server:
        port = bench.port
        with nginx(bench, limited, "limit_req_zone $binary_remote_addr zone=one:10m rate=1r/m;") as other:
            theirs = 'wrk.path = "/answer.json"\n'
            result = against(bench, server, port, kept, bench.nginx_port, theirs, 0.5, refused=True)
            with bench.daylight() as serving:
                refuses, serves = [server.pid], [serving.pid]
                # Who goes through a dataset asks for another address each time.
                result["cpu"] = in_turn(bench, {
                    "refusal": (refuses, port, kept, True), "refusal_of_changing_addresses": (refuses, port, rows, True),
                    "refusal_of_a_key": (refuses, port, keyed + kept, True), "nginx_refusal": (children(other.pid), bench.nginx_port, theirs, True),
                    "kept_answer": (serves, bench.port, kept, False), "kept_answer_to_a_key": (serves, bench.port, keyed + kept, False),
                    "row_by_key": (serves, bench.port, rows, False), "row_by_key_to_a_key": (serves, bench.port, keyed + rows, False),
                    "page_of_100": (serves, bench.port, pages, False)})
                result["cpu_16_at_once"] = in_turn(bench, {
                    "refusal": (refuses, port, sixteen_kept, True), "refusal_of_changing_addresses": (refuses, port, sixteen_rows, True),
                    "kept_answer": (serves, bench.port, sixteen_kept, False), "row_by_key": (serves, bench.port, sixteen_rows, False)})
    bench.results["refused"] = result


def slow(bench):
    """32 connections that ask without pause, alone and beside 64 clients that take 100 kB/s each."""
    rows = f'{SEEDED}request = function() return wrk.format("GET", "/v1/datasets/{bench.dataset}/rows/" .. math.random(1, {bench.options.rows})) end\n'
    alone, beside = [], []
    with bench.daylight():
        url = f"http://127.0.0.1:{bench.port}/v1/datasets/{bench.dataset}/data.csv"
        subprocess.run(["curl", "-sf", "-o", "/dev/null", url], check=True)
        bench.wrk(bench.port, rows, 32, 1)
        for _ in range(bench.options.rounds):
            alone.append(bench.wrk(bench.port, rows, 32, bench.options.seconds)[0])
            # Eight downloads a client: eight addresses of the loopback network.
            clients = [
                subprocess.Popen(["curl", "-s", "-o", "/dev/null", "--limit-rate", "100k", "--interface", f"127.0.0.{2 + index % 8}", url]) for index in range(64)]
            time.sleep(1)
            beside.append(bench.wrk(bench.port, rows, 32, bench.options.seconds)[0])
            running = sum(client.poll() is None for client in clients)
            for client in clients:
                client.kill()
                client.wait()
            if running < 64:
                raise SystemExit(f"only {running} slow clients were still running")
    bench.results["beside_slow_clients"] = {
        "requests_per_second_alone": middle(alone), "requests_per_second": middle(beside), "ratio": ratio(beside, alone), "goal": 0.8}


def against(bench, server, port, script, nginx_port, nginx_script, goal, refused=False):
    ours, limits, cpu = [], [], []
    seconds = bench.options.seconds
    bench.wrk(port, script, 64, 1, refused)
    bench.wrk(nginx_port, nginx_script, 64, 1, refused)
    for _ in range(bench.options.rounds):
        limits.append(bench.wrk(nginx_port, nginx_script, 64, seconds, refused)[0])
        before = cpu_seconds(server.pid)
        ours.append(bench.wrk(port, script, 64, seconds, refused)[0])
        cpu.append((cpu_seconds(server.pid) - before) / (ours[-1] * seconds) * 10_000)
    return {
        "requests_per_second": middle(ours), "nginx_requests_per_second": middle(limits), "ratio_to_nginx": ratio(ours, limits), "goal": goal,
        "cpu_seconds_per_10000": middle(cpu)}


def in_turn(bench, loads):
    """Processor seconds for 10,000 requests of each load, the server's and with those of its sessions in PostgreSQL; and the first load's part of each."""
    sessions = bench.psql("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'daylight %'").split()
    own, whole = {name: [] for name in loads}, {name: [] for name in loads}
    for turn in range(bench.options.rounds + 1):
        for name, (servers, port, script, refused) in loads.items():
            before, theirs = sum(map(cpu_seconds, servers)), sum(map(cpu_seconds, sessions))
            requests = bench.wrk(port, script, 64, bench.options.seconds, refused)[0] * bench.options.seconds / 10_000
            used = sum(map(cpu_seconds, servers)) - before
            # The first turn warms up.
            if turn > 0:
                own[name].append(used / requests)
                whole[name].append((used + sum(map(cpu_seconds, sessions)) - theirs) / requests)
    first = next(iter(loads))
    return {
        name: {"server": middle(own[name]), "with_postgresql": middle(whole[name]), "part_of_it": {
            "server": ratio(own[first], own[name]), "with_postgresql": ratio(whole[first], whole[name])}} for name in loads}


def lua(path, tag):
    return f'wrk.path = "{path}"\nwrk.headers["If-None-Match"] = {json.dumps(tag)}\n'


def nginx(bench, server, http=""):
    bench.nginx_port = free_port()
    conf = bench.work / "nginx-hot.conf"
    conf.write_text(f"""
        {"user root;" if os.geteuid() == 0 else ""} daemon off; worker_processes 2; pid {bench.work}/nginx-hot.pid; error_log /dev/null; events {{ worker_connections 512; }}
        http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; {http} types {{ application/json json; }}
            server {{ listen 127.0.0.1:{bench.nginx_port}; {server} }} }}""")
    return bench.process(["nginx", "-c", str(conf), "-p", str(bench.work)], bench.nginx_port, None, "/probe")
