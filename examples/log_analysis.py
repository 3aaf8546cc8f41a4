"""A web server's log, analysed in parallel.

    python log_analysis.py [LOG [INTERPRETERS]]

The file is mapped once. Each interpreter gets the same `bytes`, without a copy, and looks at blocks of it
that begin and end at lines. Without an argument, a log of 200 000 requests is made up first.
"""

import random
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path

import interlane

BLOCK = 4 << 20
REQUEST = re.compile(rb'^(\S+) \S+ \S+ \[[^\]]+\] "\S+ (\S+)[^"]*" (\d{3}) (\d+)', re.MULTILINE)


def analyse(log, start, stop):
    """Returns what is in the lines that begin between the two positions."""
    begin = 0 if start == 0 else log.find(b"\n", start - 1) + 1 or len(log)
    end = log.find(b"\n", stop - 1) + 1 or len(log)
    pages, statuses, clients, sent = Counter(), Counter(), Counter(), 0
    for client, page, status, size in REQUEST.findall(log, begin, end):
        pages[page] += 1
        statuses[status] += 1
        clients[client] += 1
        sent += int(size)
    return pages, statuses, clients, sent


def make_up(path, requests=200_000):
    """Writes a log."""
    pick = random.Random(7)
    pages = [f"/page/{number}" for number in range(40)]
    with path.open("w") as file:
        for number in range(requests):
            page = pick.choice(pages) if pick.random() < 0.8 else "/"
            status = pick.choices((200, 404, 500), (95, 4, 1))[0]
            client = f"10.0.{pick.randrange(8)}.{pick.randrange(256)}"
            time = f"28/Nov/2026:{number * 24 // requests:02}:00:00 +0000"
            size = pick.randrange(200, 50_000)
            file.write(f'{client} - - [{time}] "GET {page} HTTP/1.1" {status} {size} "-" "-"\n')


def report(path, interpreters):
    """Analyses the log and prints what is in it."""
    log = interlane.SharedBytes.map_file(path)
    starts = range(0, len(log), BLOCK)
    pages, statuses, clients, sent = Counter(), Counter(), Counter(), 0
    with interlane.InterpreterPoolExecutor(interpreters) as pool:
        for part in pool.map(analyse, [log] * len(starts), starts, [start + BLOCK for start in starts]):
            pages += part[0]
            statuses += part[1]
            clients += part[2]
            sent += part[3]
    print(f"{statuses.total()} requests of {len(clients)} clients, {sent / 1e9:.2f} GB sent")
    print("statuses:", ", ".join(f"{status.decode()}: {count}" for status, count in sorted(statuses.items())))
    for page, count in pages.most_common(3):
        print(f"{count:8} {page.decode()}")


if __name__ == "__main__":
    interpreters = int(sys.argv[2]) if len(sys.argv) > 2 else None
    if len(sys.argv) > 1:
        report(sys.argv[1], interpreters)
    else:
        with tempfile.TemporaryDirectory() as folder:
            made_up = Path(folder, "access.log")
            make_up(made_up)
            report(made_up, interpreters)
