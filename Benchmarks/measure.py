"""What measurements have in common."""
import concurrent.futures, os, re, socket, statistics, time
from pathlib import Path


def resident(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text()).group(1)) * 1024


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def timed(work):
    start = time.monotonic()
    work()
    return time.monotonic() - start


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
