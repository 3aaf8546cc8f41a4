"""`interlane top`, and what a program does to be looked at."""

import json
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

PROGRAM = """
import os, signal, sys, threading, time
import interlane
from interlane import interpreters

def until(condition):
    while not condition():
        time.sleep(0.005)

def say(text):
    print(text, flush=True)
"""
# Two threads that wait for each other's lock, and a full channel.
STUCK = """
first, second = interlane.Lock(), interlane.RLock()
send, recv = interlane.create_channel(2)
def one():
    with first:
        until(lambda: second_held)
        second.acquire(timeout=600)
def other():
    global second_held
    with second:
        second_held = True
        until(lambda: interlane.inspect().waits)
        first.acquire(timeout=600)
second_held = False
for target in (one, other):
    threading.Thread(target=target, name=target.__name__, daemon=True).start()
send.send_nowait(1), send.send_nowait(2)
threading.Thread(target=send.send, args=(3,), name="filler", daemon=True).start()
share = interlane.share(bytearray(1_000_000))
until(lambda: len(interlane.inspect().waits) == 3)
say("ready")
sys.stdin.read()
os._exit(0)
"""
WAIT = "say('ready')\nsys.stdin.read()\n"


def when(name: str) -> str:
    """Waits, in a program, until there is a file of that name."""
    return f"until(lambda: os.path.exists({name!r}))\n"


def _may_trace() -> bool:
    """Some systems let a process be traced by its parents only."""
    try:
        scope = Path("/proc/sys/kernel/yama/ptrace_scope").read_text(encoding="ascii").strip()
    except OSError:
        return True
    return scope == "0" or (scope in "12" and os.geteuid() == 0)


needs_remote_exec = pytest.mark.skipif(
    sys.version_info < (3, 14) or not _may_trace(), reason="needs sys.remote_exec, and leave to trace"
)

type Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a program that says when it is ready, and ends with its standard input."""
    children = []

    def run(code: str, *, top: str = "1") -> subprocess.Popen[str]:
        child = subprocess.Popen(
            [sys.executable, "-X", "faulthandler", "-c", PROGRAM + code],
            env={**os.environ, "INTERLANE_TOP": top},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        children.append(child)
        assert child.stdout.readline() == "ready\n", child.communicate()
        return child

    yield run
    for child in children:
        child.kill()
        child.wait()
        for pipe in (child.stdin, child.stdout, child.stderr):
            pipe.close()


def _ask(path: str) -> Any:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(path)
        with connection.makefile() as answer:
            return json.load(answer)


def _end(child: subprocess.Popen[str]) -> tuple[str, str]:
    found = child.communicate("", timeout=60)
    assert child.returncode == 0, found
    return found


def test_a_program_serves_on_a_socket_that_only_its_user_can_reach(start: Start) -> None:
    child = start("say('ready')\nsay(interlane.serve_inspection())\nsys.stdin.read()", top="0")
    path = child.stdout.readline().strip()
    assert Path(path).name == f"{child.pid}.sock"
    folder = Path(path).parent.stat()
    assert stat.S_IMODE(folder.st_mode) == 0o700
    assert folder.st_uid == os.getuid()
    answer = _ask(path)
    assert (answer["format"], answer["pid"]) == (1, child.pid)
    assert [it["id"] for it in answer["interpreters"]] == [0]
    assert "interlane-inspection" in answer["threads"].values()
    assert _ask(path)["time"] > answer["time"]
    _end(child)
    assert not Path(path).exists()


def test_serving_twice_is_serving_once(run_child: Any) -> None:
    out = run_child("""
        import interlane, threading
        paths = {interlane.serve_inspection() for _ in range(3)}
        print(len(paths), threading.active_count())
    """)
    assert out.split() == ["1", "2"]


def test_only_the_main_interpreter_serves(run_child: Any) -> None:
    out = run_child(
        """
        import threading
        from interlane import interpreters
        interp = interpreters.create()
        interp.exec('''
        import interlane, threading
        print(threading.active_count())
        try:
            interlane.serve_inspection()
        except RuntimeError as error:
            print(error)
        '''.replace("\\n        ", "\\n"))
        interp.close()
        print("closed", threading.active_count())
        """,
        env={"INTERLANE_TOP": "1"},
    )
    assert out.splitlines() == [
        "1",
        "serve_inspection() works in the main interpreter only",
        "closed 2",
    ]
    assert out.stderr == ""


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("pass", 0),
        ("sys.exit(3)", 3),
        ("1 / 0", 1),
        ("interp = interpreters.create(); interp.exec('import interlane')", 0),
        ("interp.close()", 0),
        # Somebody who connects and reads nothing.
        ("reader.connect(path); time.sleep(0.05)", 0),
        # Several at once, in the middle of everything.
        ("for _ in range(3): threading.Thread(target=connect, daemon=True).start()", 0),
        # Nothing but a daemon thread that waits in a call of interlane's is left.
        ("threading.Thread(target=interlane.create_channel()[1].recv, daemon=True).start()", 0),
        # Blocked for ever, if nobody ended that.
        ("threading.Thread(target=wait_for_ever).start()", 0),
    ],
)
def test_serving_does_not_change_how_the_process_ends(run_child: Any, ending: str, code: int) -> None:
    out = run_child(
        f"""
        import os, socket, sys, threading, time
        import interlane
        from interlane import interpreters
        reader = socket.socket(socket.AF_UNIX)
        path = interlane.serve_inspection()
        interp = interpreters.create()
        send, recv = interlane.create_channel()
        interp.prepare_main(recv=recv)
        share = interlane.share(bytearray(1_000_000))
        def connect():
            for _ in range(50):
                with socket.socket(socket.AF_UNIX) as end:
                    end.connect(path)
        def wait_for_ever():
            try:
                recv.recv()
            except interlane.ChannelError as error:
                print(type(error).__name__)
        print(path, flush=True)
        {ending}
        """,
        expect=code,
        timeout=100,
    )
    assert not Path(out.split()[0]).exists()
    assert ("ZeroDivisionError" in out.stderr) == (code == 1)


def test_it_answers_while_interpreters_come_and_go(run_child: Any) -> None:
    out = run_child("""
        import json, socket, threading, time
        import interlane
        from interlane import interpreters
        code = "import interlane; lock = interlane.Lock(); lock.acquire()\\n"
        code += "for _ in range(20): send.send(bytearray(5000))"
        path = interlane.serve_inspection()
        answers = []
        over = False
        def ask():
            while not over:
                with socket.socket(socket.AF_UNIX) as end, end.makefile() as answer:
                    end.connect(path)
                    answers.append(json.load(answer))
        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        for _ in range(10):
            send, got = interlane.create_channel()
            interp = interpreters.create()
            interp.prepare_main(send=send)
            send.close()
            interp.exec(code)
            while not any(len(answer["interpreters"]) == 2 for answer in answers):
                time.sleep(0.002)
            interp.close()
            assert len(list(got)) == 20
        over = True
        for thread in threads:
            thread.join()
        assert not any("error" in answer for answer in answers)
        print(max(len(answer["interpreters"]) for answer in answers))
    """)
    assert out.strip() == "2"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_serves_only_when_it_asks_to(run_child: Any) -> None:
    out = run_child("""
        import os, sys, warnings
        warnings.simplefilter("ignore", DeprecationWarning)
        import interlane
        path = interlane.serve_inspection()
        child = os.fork()
        if child == 0:
            import threading
            assert threading.active_count() == 1
            assert interlane.serve_inspection() != path
            sys.exit(7)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        print(os.path.exists(path), os.path.exists(path.replace(str(os.getpid()), str(child))))
    """)
    assert out.split() == ["True", "False"]


def test_a_folder_that_others_may_enter_is_not_used(run_child: Any, tmp_path: Path) -> None:
    # A short way to the long path: sockets cannot have long ones.
    out = run_child(
        """
        import os, sys, tempfile, warnings
        with tempfile.TemporaryDirectory(dir="/tmp") as runtime:
            os.environ["XDG_RUNTIME_DIR"] = runtime
            folder = os.path.join(runtime, "interlane")
            os.mkdir(folder)
            os.chmod(folder, 0o777)
            os.environ["INTERLANE_TOP"] = "1"
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                import interlane
            print(*caught[0].message.args)
            try:
                interlane.serve_inspection()
            except OSError as error:
                print(error)
        """
    )
    first, second = out.splitlines()
    assert first.endswith("is not a folder that only its user may enter")
    assert first == f"interlane top cannot look at this process: {second}"


def test_once_shows_who_waits_for_whom_and_the_deadlock(cli: Any, start: Start) -> None:
    child = start(STUCK)
    done = cli.run("top", "--once", child.pid)
    lines = done.stdout.splitlines()
    assert f"process {child.pid}, Python {sys.version.split()[0]}" in lines[0]
    place = lines.index("DEADLOCK")
    cycle = sorted(lines[place + 1 : place + 3])
    assert re.match(r"  main, one waits for RLock \d+, held by main, other, with a timeout", cycle[0])
    assert re.match(r"  main, other waits for Lock \d+, held by main, one, with a timeout", cycle[1])
    rows = [line.split() for line in lines]
    filler = next(row for row in rows if row[:2] == ["main", "filler"])
    assert filler[2:5] == ["room", "in", "channel"]
    assert filler[6:8] == ["1", "receiver"]
    assert any(row[1:] == ["2/2", "1", "1", "1", "2", "0"] for row in rows)
    share = next(row for row in rows if "bytearray" in row)
    assert share[1:4] == ["main", "1.0", "MB"]
    assert done.stderr == ""
    assert "\x1b" not in done.stdout


def test_json_has_the_whole_snapshot(cli: Any, start: Start) -> None:
    child = start(STUCK)
    (line,) = cli.run("top", "--json", "--once", child.pid).stdout.splitlines()
    found = json.loads(line)
    assert len(found["cycles"]) == 1
    assert {wait["kind"] for wait in found["waits"]} == {"lock", "send"}
    (channel,) = found["channels"]
    assert (channel["sent"], channel["received"], channel["buffered"]) == (2, 0, 2)
    (owner,) = found["interpreters"]
    assert (owner["shares"], owner["inbox"], owner["oldest"], owner["nbytes"]) == (1, 0, None, 1_000_000)
    assert found["shares"][0]["type"] == "bytearray"
    assert found["stats"]["live"] == 1


def test_json_goes_on_until_the_program_has_ended(cli: Any, start: Start) -> None:
    child = start(WAIT)
    watcher = cli.start("--json", "--interval", "0.05", child.pid, command="top")
    for _ in range(3):
        assert json.loads(watcher.stdout.readline())["pid"] == child.pid
    _end(child)
    _, stderr = watcher.communicate(timeout=60)
    assert watcher.returncode == 1
    assert stderr == f"interlane: process {child.pid} has ended\n"


def test_the_list_has_programs_and_drops_what_was_killed(cli: Any, start: Start) -> None:
    child, killed = start(WAIT), start(WAIT)
    killed.kill()
    killed.wait()
    rows = {row.split()[0]: row for row in cli.run("top").stdout.splitlines()}
    assert " yes " in rows[str(child.pid)]
    assert str(killed.pid) not in rows
    found = [json.loads(line) for line in cli.run("top", "--json").stdout.splitlines()]
    assert next(it["how"] for it in found if it["pid"] == child.pid) == "socket"
    assert cli.run("top", killed.pid, expect=1).stderr == f"interlane: there is no process {killed.pid}\n"


def test_a_program_without_interlane_is_refused(cli: Any) -> None:
    with subprocess.Popen(["sleep", "60"]) as other:
        done = cli.run("top", other.pid, expect=1)
        other.kill()
    assert done.stderr == f"interlane: process {other.pid} does not use interlane: sleep 60\n"
    assert done.stdout == ""


def test_a_program_that_is_stopped_does_not_answer(cli: Any, start: Start) -> None:
    child = start(WAIT)
    child.send_signal(signal.SIGSTOP)
    done = cli.run("top", "--once", child.pid, expect=1)
    assert done.stderr == f"interlane: process {child.pid} has not answered for 5 s: is it stopped?\n"
    child.send_signal(signal.SIGCONT)
    _end(child)


def test_a_program_that_goes_on_is_looked_at_again(cli: Any, start: Start) -> None:
    child = start(WAIT)
    child.send_signal(signal.SIGSTOP)
    watcher = cli.start("--json", "--interval", "0.05", child.pid, command="top")
    assert watcher.stderr.readline().endswith("has not answered for 5 s: is it stopped?\n")
    child.send_signal(signal.SIGCONT)
    assert json.loads(watcher.stdout.readline())["pid"] == child.pid
    _end(child)
    _, stderr = watcher.communicate(timeout=60)
    assert (watcher.returncode, stderr) == (1, f"interlane: process {child.pid} has ended\n")


def test_a_program_that_takes_long_to_end_has_ended(cli: Any, start: Start) -> None:
    path = cli.directory / "go"
    # Called after what takes the socket away.
    late = f"import atexit\natexit.register(until, lambda: os.path.exists({str(path)!r}))\n"
    child = start(f"{late}interlane.serve_inspection()\n{WAIT}", top="0")
    watcher = cli.start("--json", "--interval", "0.05", child.pid, command="top")
    assert json.loads(watcher.stdout.readline())["pid"] == child.pid
    child.stdin.close()
    assert watcher.stderr.readline() == f"interlane: process {child.pid} does not answer any more\n"
    cli.file("go", "")
    assert child.wait(60) == 0
    _, stderr = watcher.communicate(timeout=60)
    assert (watcher.returncode, stderr) == (1, f"interlane: process {child.pid} has ended\n")


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="it can be reached")
def test_a_program_that_did_not_opt_in_cannot_be_reached(cli: Any, start: Start) -> None:
    done = cli.run("top", start(WAIT, top="0").pid, expect=1)
    assert "start it with INTERLANE_TOP=1" in done.stderr


@needs_remote_exec
def test_a_program_that_did_not_opt_in_is_reached_while_it_runs_python_code(cli: Any, start: Start) -> None:
    child = start(
        "say('ready')\nend = time.monotonic() + 60\nwhile time.monotonic() < end: time.sleep(0.02)", top="0"
    )
    found = [json.loads(line) for line in cli.run("top", "--json").stdout.splitlines()]
    assert next(it["how"] for it in found if it["pid"] == child.pid) == "remote_exec"
    first = json.loads(cli.run("top", "--json", "--once", child.pid).stdout)
    assert first["pid"] == child.pid
    # From then on it serves.
    assert _ask(first["service"])["pid"] == child.pid


@needs_remote_exec
def test_a_program_that_runs_no_python_code_is_asked_until_it_does(cli: Any, start: Start) -> None:
    # The names of sockets are short.
    folder = Path(tempfile.mkdtemp())
    child = start("say('ready')\nsys.stdin.readline()\nuntil(lambda: False)", top="0")
    watcher = cli.start("--json", child.pid, command="top", env={"TMPDIR": str(folder)})
    assert "runs no Python code at the moment" in watcher.stderr.readline()
    child.stdin.write("\n")
    child.stdin.flush()
    assert json.loads(watcher.stdout.readline())["pid"] == child.pid
    # The next question may be on its way.
    assert len(list(folder.iterdir())) <= 1
    shutil.rmtree(folder)


@needs_remote_exec
def test_a_program_whose_newest_interpreter_runs_answers_from_there(cli: Any, start: Start) -> None:
    child = start(
        """
interp = interpreters.create()
send, recv = interlane.create_channel()
interp.prepare_main(send=send)
code = "import time\\nsend.send(1)\\nwhile True: time.sleep(0.02)"
threading.Thread(target=interp.exec, args=(code,), daemon=True).start()
recv.recv()
say("ready")
sys.stdin.read()
os._exit(0)
""",
        top="0",
    )
    found = json.loads(cli.run("top", "--json", "--once", child.pid).stdout)
    assert "service" not in found
    assert len(found["interpreters"]) == 2
    _end(child)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("0",), "0 is less than 1"),
        (("me",), "'me' is not a number"),
        (("1", "2"), "unrecognized arguments: 2"),
        (("1", "--", "true"), "goes with neither a PID nor --once"),
        (("--",), "no COMMAND behind --"),
        (("--interval", "0", "1"), "0 is not a number of seconds above 0"),
    ],
)
def test_wrong_usage(cli: Any, args: tuple[str, ...], message: str) -> None:
    assert message in cli.run("top", *args, expect=2).stderr


def test_a_command_runs_beside_its_snapshots_and_gives_its_exit_code(cli: Any) -> None:
    cli.module(PROGRAM + "say('hello ' + sys.argv[1])\n" + when("go") + "sys.exit(7)", "job")
    child = cli.start("--json", "-i", "0.1", "--", sys.executable, "job.py", "--once", command="top")
    assert json.loads(child.stdout.readline())["argv"][-2:] == ["job.py", "--once"]
    cli.file("go", "")
    _, stderr = child.communicate(timeout=60)
    assert (child.returncode, stderr) == (7, "hello --once\n")


def test_a_command_is_shown_though_its_socket_did_not_listen_at_first(cli: Any) -> None:
    late = """
import os, socket, time
def listen(self, *args):
    while not os.path.exists("listen"):
        time.sleep(0.005)
    return listening(self, *args)
listening, socket.socket.listen = socket.socket.listen, listen
"""
    cli.module(late + PROGRAM + when("go"), "job")
    child = cli.start("--json", "-i", "0.1", "--", sys.executable, "job.py", command="top")
    assert child.stderr.readline().endswith(" does not answer any more\n")
    cli.file("listen", "")
    assert json.loads(child.stdout.readline())["argv"][-1:] == ["job.py"]
    cli.file("go", "")
    assert child.wait(60) == 0


def test_a_command_that_never_imports_interlane_just_runs(cli: Any) -> None:
    done = cli.run(
        "top", "--json", "--", sys.executable, "-c", "import os; os.kill(os.getpid(), 15)", expect=143
    )
    assert done.stdout == done.stderr == ""


def test_a_command_that_cannot_be_started_is_an_error(cli: Any) -> None:
    done = cli.run("top", "--", "./nothing-of-that-name", expect=1)
    assert done.stderr == "interlane: cannot start './nothing-of-that-name': no such file or directory\n"


def _live(cli: Any, terminal: Any, *args: object, **env: str) -> subprocess.Popen[str]:
    child = cli.start(
        *args,
        command="top",
        stdin=terminal.slave,
        stdout=terminal.slave,
        stderr=terminal.slave,
        env={"TERM": "xterm", "NO_COLOR": "", **env},
    )
    terminal.wait_for("process ")
    return child


def test_a_terminal_is_redrawn_until_q_and_left_as_it_was(cli: Any, start: Start, terminal: Any) -> None:
    import termios

    before = termios.tcgetattr(terminal.slave)
    watched = start(STUCK)
    child = _live(cli, terminal, watched.pid, "--interval", "0.1")
    terminal.wait_for("\x1b[31mDEADLOCK", 4)
    terminal.type("q")
    assert child.wait(60) == 0
    # Not what waits to be read: the settings.
    assert termios.tcgetattr(terminal.slave)[:4] == before[:4]
    seen = terminal.close()
    assert seen.startswith("\x1b[?1049h\x1b[?25l")
    assert seen.endswith("\x1b[?25h\x1b[?1049l")
    assert watched.poll() is None


def test_a_screen_holds_all_tables_without_scrolling(cli: Any, start: Start, terminal: Any) -> None:
    child = _live(cli, terminal, start(STUCK).pid, NO_COLOR="1", COLUMNS="60", LINES="24")
    terminal.type("q")
    assert child.wait(60) == 0
    _, *frames = terminal.close().split("\x1b[H")
    for frame in frames:
        lines = frame.partition("\x1b[J")[0].split("\r\n")
        assert len(lines) <= 24
        assert all(len(line.replace("\x1b[K", "")) < 60 for line in lines)
        assert "\x1b[3" not in frame.replace("\x1b[K", "").partition("\x1b[J")[0]
        assert any(line.startswith("Channels") for line in lines)


def test_ctrl_c_ends_the_view(cli: Any, start: Start, terminal: Any) -> None:
    child = _live(cli, terminal, start(WAIT).pid)
    child.send_signal(signal.SIGINT)
    assert child.wait(60) == 0
    assert "Traceback" not in terminal.close()


def test_a_view_that_is_ended_leaves_the_terminal_as_it_was(cli: Any, start: Start, terminal: Any) -> None:
    import termios

    before = termios.tcgetattr(terminal.slave)
    child = _live(cli, terminal, start(WAIT).pid)
    child.terminate()
    assert child.wait(60) == 143
    assert termios.tcgetattr(terminal.slave)[:4] == before[:4]
    assert terminal.close().endswith("\x1b[?25h\x1b[?1049l")


def test_a_program_that_ends_ends_the_view_with_a_message(cli: Any, start: Start, terminal: Any) -> None:
    watched = start(WAIT)
    child = _live(cli, terminal, watched.pid, "--interval", "0.1")
    _end(watched)
    assert child.wait(60) == 1
    assert terminal.close().endswith(f"\x1b[?1049linterlane: process {watched.pid} has ended\r\n")


def test_a_commands_output_is_on_the_screen_and_stays_after_it(cli: Any, terminal: Any) -> None:
    code = f"say('early')\n{when('seen')}say('one\\ttwo')\n{when('read')}print('three')\nsys.exit(5)"
    cli.module(PROGRAM + code, "job")
    child = _live(cli, terminal, "-i", "0.1", "--", sys.executable, "job.py")
    cli.file("seen", "")
    terminal.wait_for("  one two\x1b[K")
    cli.file("read", "")
    assert child.wait(60) == 5
    seen = terminal.close()
    assert seen.partition("\x1b[?1049h")[0] + seen.rpartition("\x1b[?1049l")[2] in (
        "early\r\none\ttwo\r\nthree\r\n",
        "early\r\none     two\r\nthree\r\n",
    )


def test_what_nobody_has_read_when_a_command_ends_is_not_lost(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    from interlane.cli.top import program

    # The machine has not come to the thread that reads.
    monkeypatch.setattr(program.threading.Thread, "start", lambda _: None)
    monkeypatch.setattr(program.threading.Thread, "join", lambda *_: None)
    reader, writer = os.pipe()
    output = program._Output(reader)
    os.write(writer, b"one\ntwo")
    # The pipe stays open, as if something else had it too.
    output.end()
    assert capfdbinary.readouterr().out == b"one\ntwo"
    os.close(writer)
    output._pipe.close()


def test_a_view_of_a_silent_program_shows_it_when_it_answers(cli: Any, start: Start, terminal: Any) -> None:
    watched = start(WAIT)
    watched.send_signal(signal.SIGSTOP)
    child = _live(cli, terminal, watched.pid, "--interval", "0.1")
    terminal.wait_for("has not answered for 5 s: is it stopped? (q ends it)")
    watched.send_signal(signal.SIGCONT)
    terminal.wait_for("Interpreters (1)")
    watched.send_signal(signal.SIGSTOP)
    terminal.wait_for("no answer")
    terminal.type("q")
    assert child.wait(60) == 0
    watched.send_signal(signal.SIGCONT)


def test_q_leaves_a_command_that_runs_to_its_end(cli: Any, terminal: Any) -> None:
    cli.module(PROGRAM + when("left") + "say('at the end')", "job")
    child = _live(cli, terminal, "-i", "0.1", "--", sys.executable, "job.py")
    terminal.type("q")
    terminal.wait_for("\x1b[?1049l")
    cli.file("left", "")
    assert child.wait(60) == 0
    assert terminal.close().endswith("\x1b[?1049lat the end\r\n")
