"""What measurements have in common."""
import concurrent.futures, contextlib, os, re, signal, socket, statistics, subprocess, sys, time, urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def psql(url, sql):
    done = subprocess.run(["psql", "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", url], input=sql, text=True, capture_output=True)
    if done.returncode:
        sys.exit(f"psql: {done.stderr}")
    return done.stdout.strip()


@contextlib.contextmanager
def serving(daylight, database, home):
    """A server without limits, ready; gives its process and its port."""
    port = free_port()
    env = dict(os.environ, DATABASE_URL=database, DAYLIGHT_PORT=str(port), DAYLIGHT_ADMIN_PORT="off", DAYLIGHT_HOME=str(home), DAYLIGHT_LOG_REQUESTS="false",
               DAYLIGHT_RATE_LIMITS="*.*=1000000000/60", DAYLIGHT_SCHEMA_DIR=str(ROOT / "schema"))
    server = subprocess.Popen([daylight, "serve"], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2).read()
                break
            except OSError:
                time.sleep(0.05)
        yield server, port
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)


def resident(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1)) * 1024


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def children(pid):
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def timed(work):
    start = time.monotonic()
    work()
    return time.monotonic() - start


# The beginning of a script for wrk that asks at random: each of its threads has numbers of its own, the same in every run.
SEEDED = """local threads = 0
function setup(thread) threads = threads + 1 thread:set("number", threads) end
function init(args) math.randomseed(7 + number) end
"""


def middle(values):
    return round(statistics.median(values), 3)


def ratio(a, b):
    """Median of the ratios of measurements that were taken one after the other."""
    return round(statistics.median(x / y for x, y in zip(a, b)), 3)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Peak:
    """The greatest resident memory of a process meanwhile, in bytes."""

    def __init__(self, pid):
        self.pid, self.value, self.stop = pid, 0, False

    def __enter__(self):
        self.pool = concurrent.futures.ThreadPoolExecutor(1)
        self.pool.submit(self.watch)
        return self

    def watch(self):
        while not self.stop:
            self.value = max(self.value, resident(self.pid))
            time.sleep(0.02)

    def __exit__(self, *_):
        self.stop = True
        self.pool.shutdown()
