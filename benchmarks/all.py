"""All benchmarks, one part after the other, and at the end all targets. `make bench` runs it.

    all.py [--short] [PART [ARG...]]

Each part is a program beside this one, which can be run by itself and says with `--help` what else it can do;
ARG... is passed on to it. `--short` measures less of each, and takes some eight minutes instead of forty.
"""

import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
PARTS = {
    "run": "two sides of a channel",
    "crowd": "several senders and receivers",
    "spinning": "what waiting costs while the other side is slow",
    "locks": "locks and their kin",
    "memory": "bytes for what is queued, and for what is idle",
    "handover": "memory from 1 KiB to 1 GiB",
    "sharing": "shares, their releases, and calls through proxies",
    "payloads": "real objects",
    "frozen": "frozen dicts",
    "threshold": "from which size on to share",
    "pool": "executors",
}
# How a line ends that says how a target was met: see `targets.py`.
VERDICTS = (" met", " MISSED")


def run(part: str, arguments: list[str], verdicts: list[str]) -> int:
    """Runs a part, shows what it prints, and keeps what it says of targets."""
    command = [sys.executable, "-u", str(HERE / f"{part}.py"), *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as program:
        for line in program.stdout or ():
            print(line, end="", flush=True)
            if line.rstrip().endswith(VERDICTS):
                verdicts.append(line.rstrip())
    return program.returncode


def main() -> int:
    """Does what the arguments say; 1 when a part has failed."""
    words = sys.argv[1:]
    if words and words[0] in PARTS:
        return subprocess.call([sys.executable, str(HERE / f"{words[0]}.py"), *words[1:]])
    if words not in ([], ["--short"]):
        width = max(map(len, PARTS))
        parts = "\n".join(f"  {part:{width}}  {what}" for part, what in PARTS.items())
        print(f"{__doc__}\nParts:\n{parts}")
        return int(words not in (["-h"], ["--help"])) * 2
    verdicts: list[str] = []
    failed: list[str] = []
    for part, what in PARTS.items():
        print(f"\n=== {part}: {what} ===", flush=True)
        start = time.monotonic()
        if run(part, words, verdicts):
            failed.append(part)
        print(f"({time.monotonic() - start:.0f} s)", flush=True)
    print("\n=== all targets ===\n" + "\n".join(verdicts))
    missed = sum(line.endswith(VERDICTS[1]) for line in verdicts)
    print(f"\n{len(verdicts) - missed} targets met, {missed} missed")
    if failed:
        print(f"failed: {', '.join(failed)}")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
