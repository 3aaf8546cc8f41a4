"""The examples that are programs do what they say, run as their readers run them."""

import json
import re
import runpy
import signal
import struct
import subprocess
import sys
import threading
import urllib.error
import urllib.request
import zlib
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(name: str, *args: object) -> str:
    command = [sys.executable, EXAMPLES / name, *map(str, args)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert not done.stderr
    return done.stdout


def test_log_analysis(tmp_path: Path) -> None:
    # Blocks in it end in the middle of lines, and some lines are no requests.
    requests = 60_000
    log = tmp_path / "access.log"
    with log.open("w") as file:
        for n in range(requests):
            status, page = (404, "/missing") if n % 10 == 0 else (200, f"/page/{n % 3}")
            file.write(
                f'10.0.0.{n % 7} - - [28/Nov/2026] "GET {page} HTTP/1.1" {status} {1000} "{"x" * 60}"\n'
            )
            if n % 1000 == 0:
                file.write("something else\n")
    assert log.stat().st_size > 4 << 20
    lines = run("log_analysis.py", log, 2).splitlines()
    assert lines[0] == "60000 requests of 7 clients, 0.06 GB sent"
    assert lines[1] == "statuses: 200: 54000, 404: 6000"
    assert sorted(lines[2:]) == [f"   18000 /page/{n}" for n in range(3)]
    assert "200000 requests" in run("log_analysis.py")


def test_web_server() -> None:
    command = [sys.executable, EXAMPLES / "web_server.py"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        address = server.stdout.readline().strip()

        def get(path: str) -> dict[str, int]:
            with urllib.request.urlopen(address + path, timeout=200) as response:
                return json.load(response)  # type: ignore[no-any-return]

        answers: list[dict[str, int]] = []
        threads = [
            threading.Thread(target=lambda n=n: answers.append(get(f"primes/{n}")))
            for n in [0, 1, 100, 1_000_000, 1_000_000]
        ]
        for thread in threads:
            thread.start()
        assert get("")["open requests"] >= 1
        for thread in threads:
            thread.join(200)
        assert {a["below"]: a["primes"] for a in answers} == {0: 0, 1: 0, 100: 25, 1_000_000: 78498}
        assert 0 not in {a["interpreter"] for a in answers}
        with pytest.raises(urllib.error.HTTPError, match="404") as missing:
            get("nothing")
        missing.value.close()
        server.send_signal(signal.SIGINT)
        _, errors = server.communicate(timeout=200)
        assert server.returncode == 0, errors
        assert not errors
    finally:
        server.kill()
        server.communicate()


def test_pipeline(tmp_path: Path) -> None:
    for n in range(60):
        (tmp_path / f"module_{n}.py").write_text(
            "alpha = beta\n" * n + "def f(): return alpha\n" + "beta\n" * 10
        )
    (tmp_path / "wrong.py").write_text("'''never closed\n")
    (tmp_path / "notes.txt").write_text("alpha")
    out = run("pipeline.py", tmp_path)
    assert out.startswith("61 files")
    counts = re.findall(r"(\d+) (\w+)$", out, re.MULTILINE)
    assert counts == [(str(sum(range(60)) + 600), "beta"), (str(sum(range(60)) + 60), "alpha"), ("60", "f")]


def test_shared_index(tmp_path: Path) -> None:
    for _ in range(2):  # written, then there
        out = run("shared_index.py", 4, tmp_path / "index")
        assert "4 MB there" in out
        assert "320000 keys" in out
    assert (tmp_path / "index").stat().st_size == 4 << 20


def test_tiles(tmp_path: Path) -> None:
    width, height = 150, 100
    assert run("tiles.py", tmp_path / "m.png", width, height) == "6 tiles in m.png, 150 x 100\n"
    data = (tmp_path / "m.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, at = {}, 8
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        chunks[kind] = data[at + 8 : at + 8 + size]
        assert struct.unpack_from(">I", data, at + 8 + size)[0] == zlib.crc32(kind + chunks[kind])
        at += 12 + size
    assert struct.unpack_from(">II", chunks[b"IHDR"]) == (width, height)
    pixels = zlib.decompress(chunks[b"IDAT"])
    assert len(pixels) == height * (1 + 3 * width)
    example = runpy.run_path(str(EXAMPLES / "tiles.py"))
    scale = (example["RIGHT"] - example["LEFT"]) / width
    for x, y in [(0, 0), (63, 63), (64, 64), (149, 99), (100, 20)]:
        c = z = complex(example["LEFT"] + x * scale, example["TOP"] - y * scale)
        steps = 0
        while steps < example["DEPTH"] and z.real * z.real + z.imag * z.imag < 4:
            z, steps = z * z + c, steps + 1
        start = y * (1 + 3 * width) + 1 + 3 * x
        assert tuple(pixels[start : start + 3]) == example["colour"](steps)


def test_plugin_host(tmp_path: Path) -> None:
    lines = run("plugin_host.py").splitlines()
    assert lines[-1] == "the host is fine: ehllo"
    first, again = (
        dict(re.split(" +", line, maxsplit=1) for line in part) for part in (lines[:8], lines[8:16])
    )
    assert first["shout"] == "HELLO!"
    assert first["counter"] == "hello (1)"
    assert again["counter"] == "hello again (2)"
    assert again["vandal"] == "niaga olleh"
    errors = {name: result.split()[1] for name, result in again.items() if result.startswith("failed")}
    assert errors == {
        "broken": "SyntaxError:",
        "endless": "RecursionError:",
        "faulty": "IndexError:",
        "lonely": "ModuleNotFoundError:",
        "quitter": "SystemExit:",
    }
    (tmp_path / "mine.py").write_text("def transform(text): return text[::-1]")
    assert "mine     niaga olleh" in run("plugin_host.py", tmp_path)
