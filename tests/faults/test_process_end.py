"""The process ends with whatever was left open: exit code 0, no hang, no message but CPython's own warning.

What CPython cannot end by itself is left out: 3.13 and later crash now and then when a daemon thread runs
Python code in a sub-interpreter by then, and 3.12 aborts when one merely sleeps there.
"""

import re
import sys

import pytest

CPYTHONS_OWN = re.compile(r"<sys>:0: RuntimeWarning: remaining subinterpreters; close them with .*\n")

MAIN_WAITERS = """
send, recv = interlane.create_channel()
full, _kept = interlane.create_channel(1)
full.send("x" * 100_000)
handover, _kept_too = interlane.create_channel(0)
for daemon in (True, False):
    for call, *args in [
        (recv.recv,), (recv.recv, 0.2), (recv.recv_many,), (list, recv),
        (full.send, "y" * 100_000), (full.send, 1, 0.2), (full.send_many, [1, "z" * 100_000]),
        (handover.send, "w" * 100_000), (handover.send, 1, 0.2),
    ]:
        start(quiet, call, *args, daemon=daemon)
start(quiet, recv.recv, 100, daemon=True)
start(quiet, full.send, 1, 100, daemon=True)
"""

# Threads of the main interpreter that run code in others, and wait there.
OTHERS_RUN_FROM_MAIN = """
empty, full, handover = interlane.create_channel(), interlane.create_channel(1), interlane.create_channel(0)
full[0].send("x" * 100_000)
daemon = sys.argv[1] == "True"
ids = [end.id for pair in (empty, full, handover) for end in pair]
keep = []
for call in (
    "r.recv()", "list(r)", "r.recv_many()", "s.send('y' * 100_000)", "s.send_many([1, 'z' * 100_000])",
    "h.send(1)",
    *(("r.recv(100)", "s.send('y' * 100_000, 100)") if daemon else ("r.recv(0.2)",)),
):
    interp = interpreters.create()
    keep.append(interp)
    interp.exec(f'''if 1:
        import interlane
        R, S = interlane.RecvChannel.from_id, interlane.SendChannel.from_id
        # Both ends of each: nobody ends these waits by closing.
        r, s, h = R({ids[1]}), S({ids[2]}), S({ids[4]})
        other_ends = S({ids[0]}), R({ids[3]}), R({ids[5]})
    ''')
    if not daemon:
        call = f'''if 1:
            try:
                {call}
            except (interlane.ChannelError, TimeoutError):
                pass
        '''
    start(interp.exec, call, daemon=daemon)
if daemon:
    # CPython might crash if one of them still ran Python code there: see above.
    until(lambda: len(interlane.inspect().waits) == len(keep))
"""

# Threads that others have started themselves.
THREADS_OF_OTHERS = """
empty, full = interlane.create_channel(), interlane.create_channel(1)
full[0].send("x" * 100_000)
keep = []
for _ in range(2):
    interp = interpreters.create()
    keep.append(interp)
    interp.exec(f'''if 1:
        import interlane, threading
        r, s = interlane.RecvChannel.from_id({empty[1].id}), interlane.SendChannel.from_id({full[0].id})
        other_ends = interlane.SendChannel.from_id({empty[0].id}), interlane.RecvChannel.from_id({full[1].id})
        def quiet(call, *args):
            try:
                call(*args)
            except (interlane.ChannelError, TimeoutError):
                pass
        for call, *args in (r.recv,), (r.recv, 0.2), (list, r), (s.send, "y" * 100_000), (s.send, 1, 0.2):
            threading.Thread(target=quiet, args=(call, *args)).start()
    ''')
"""

SHARES = """
send, recv = interlane.create_channel()
back, got = interlane.create_channel()
interp = interpreters.create()
interp.exec(f'''if 1:
    import interlane
    recv, back = interlane.RecvChannel.from_id({recv.id}), interlane.SendChannel.from_id({back.id})
''')
class Holder: pass
SENT = '''
def everything():
    text = "x" * 100_000
    return text, bytearray(100_000), text.encode(), interlane.SharedStr(text), *interlane.create_channel()
'''
exec(SENT)
for _ in range(8):
    send.send(everything())
interp.exec(SENT + '''if 1:
    in_a_global = recv.recv()
    class Holder: pass
    cycle = Holder()
    cycle.me, cycle.held = cycle, recv.recv()
    def hold():
        in_a_local = recv.recv()
        yield in_a_local
    generator = hold()
    next(generator)
    for _ in range(8):
        back.send(everything())
''')
in_a_global = got.recv()
cycle = Holder()
cycle.me, cycle.held, cycle.ends = cycle, got.recv(), interlane.create_channel()
def hold():
    in_a_local = got.recv()
    yield in_a_local
generator = hold()
next(generator)
def hold_in_a_thread():
    in_a_local = got.recv()
    time.sleep(1000)
start(hold_in_a_thread, daemon=True)
sys.modules["held"] = got.recv()
# The rest is still queued, in both directions.
"""

# Python code that Rust has called, in a thread that CPython stops in the middle of it.
DAEMONS_IN_PYTHON_CODE = """
pickled, unpickled = interlane.create_channel(fallback="pickle")
plain, _ = interlane.create_channel()
def slow(*args):
    time.sleep(0.0005)
    return 1
class Slow:
    def __reduce__(self): return slow(), (slow, ())[1:]
    def __index__(self): return slow()
    def __float__(self): return float(slow())
    def __repr__(self): return str(slow())
    def __del__(self): slow()
class Reduced:
    def __reduce__(self): return slow, (slow(),)
class Exporter:
    def __buffer__(self, flags):
        slow()
        return memoryview(b"x" * 50_000)
    def __release_buffer__(self, view):
        slow()
def for_ever(call):
    while True:
        try:
            call()
        except (interlane.ChannelError, TimeoutError, TypeError):
            pass
for call in (
    lambda: plain.send_many(slow() for _ in range(10)),
    lambda: plain.send_many(Slow() for _ in range(10)),
    lambda: plain.send({Slow(): 1}),
    lambda: plain.send_buffer(Exporter()),
    lambda: pickled.send(Reduced()),
    lambda: unpickled.recv(1),
    lambda: unpickled.recv_many(Slow(), 0.01),
    lambda: unpickled.recv(Slow()),
    interlane.collect,
):
    start(for_ever, call, daemon=True)
"""

PROGRAMS = {
    "waiters of main": (MAIN_WAITERS,),
    "main waits in others": (OTHERS_RUN_FROM_MAIN, False),
    "daemons wait in others": (OTHERS_RUN_FROM_MAIN, True),
    "threads of others": (THREADS_OF_OTHERS,),
    "shares": (SHARES,),
    "daemons in Python code": (DAEMONS_IN_PYTHON_CODE,),
}
# How the main thread ends.
ENDS = {
    "falling off": "",
    "sys.exit in a function": "def leave():\n    held = globals()\n    sys.exit()\nleave()\n",
    "at once": None,
}


# An assertion of its own, met whenever a daemon thread is in a sub-interpreter at the end.
CPYTHON_ABORTS = hasattr(sys, "gettotalrefcount") and sys.version_info[:2] == (3, 14)


def end(run_child, program, times, how="falling off"):
    if CPYTHON_ABORTS and program == "daemons wait in others":
        pytest.skip("debug builds of 3.14 abort")
    code, *args = PROGRAMS[program]
    settle = "" if ENDS[how] is None else "time.sleep(0.1)\n" + ENDS[how]
    for _ in range(times):
        # In development mode ends that are left open are told.
        out = run_child(code + settle, *args, env={"PYTHONWARNINGS": "ignore::ResourceWarning"})
        assert not CPYTHONS_OWN.sub("", out.stderr), out.stderr
        assert not out


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_process_ends_quietly_with_things_left_open(run_child, program):
    end(run_child, program, 3)


@pytest.mark.stress
@pytest.mark.timeout(600)
@pytest.mark.parametrize("how", ENDS)
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_process_ends_quietly_every_time(run_child, stress_is_short, program, how):
    if stress_is_short and how == "falling off":
        pytest.skip("short")
    end(run_child, program, 1 if stress_is_short else 30, how)


@pytest.mark.parametrize("daemon", [False, True])
def test_blocked_threads_are_told_before_the_process_ends_unless_they_are_daemons(run_child, daemon):
    out = run_child(
        """
        send, recv = interlane.create_channel()
        full, _keep = interlane.create_channel(1)
        full.send(1)
        def receive():
            try:
                recv.recv()
            except interlane.EndOfChannel:
                print("end\\n", end="")
        def put():
            try:
                full.send(2)
            except interlane.BrokenChannel:
                print("broken\\n", end="")
        for target in (receive, put):
            start(target, daemon=sys.argv[1] == "True")
        time.sleep(0.1)
        """,
        daemon,
    )
    assert sorted(out.split()) == ([] if daemon else ["broken", "end"])


def test_the_exit_code_is_the_programs_own(run_child):
    for code in (0, 3):
        run_child(SHARES + MAIN_WAITERS + f"time.sleep(0.05)\nsys.exit({code})", expect=code)
    out = run_child(SHARES + MAIN_WAITERS + "raise RuntimeError('its own')", expect=1)
    assert "RuntimeError: its own" in out.stderr


def test_what_an_isolated_interpreter_left_in_cpythons_argument_parsers_is_not_freed(run_child):
    # On 3.12.1 the first call with a keyword leaves its own tuple there, and the process trips over it.
    out = run_child(
        """
        for _ in range(2):
            interp = interpreters.create()
            interp.exec("import zlib, bisect; zlib.compress(b'a', level=1); bisect.bisect([1], 1, key=None)")
            interp.close()
        """
    )
    assert not out.stderr


def test_an_ending_interpreter_may_still_make_calls_from_any_thread(run_child):
    # Its ends are closed by then, so none of them waits.
    out = run_child(
        """
        send, recv = interlane.create_channel()
        interp = interpreters.create()
        interp.exec(f'''if 1:
            import interlane
            recv, send = interlane.RecvChannel.from_id({recv.id}), interlane.SendChannel.from_id({send.id})
            class Last:
                def __del__(self, recv=recv, send=send, interlane=interlane):
                    for call in recv.recv, recv.recv_many, lambda: send.send(1), lambda: send.send_many([1]):
                        try:
                            call()
                        except interlane.ChannelError as error:
                            print(type(error).__name__)
                    for end in interlane.create_channel():
                        print(end.closed)
            last = Last()
        ''')
        closing = start(interp.close)
        closing.join(60)
        assert not closing.is_alive()
        """
    )
    assert out.split() == ["ClosedError"] * 4 + ["True"] * 2


def test_a_blocked_thread_waits_on_while_another_interpreter_has_one_that_works(run_child):
    out = run_child(
        """
        send, recv = interlane.create_channel()
        interp = interpreters.create()
        interp.exec(f'''if 1:
            import threading, time, interlane
            def work():
                with interlane.SendChannel.from_id({send.id}) as send:
                    time.sleep(0.5)
                    send.send("late")
            threading.Thread(target=work).start()
        ''')
        def receive():
            print(recv.recv())
            try:
                recv.recv()
            except interlane.EndOfChannel:
                print("end")
        start(receive)
        """,
    )
    assert out.split() == ["late", "end"]


@pytest.mark.skipif(CPYTHON_ABORTS, reason="debug builds of 3.14 abort")
def test_the_process_ends_while_a_daemon_is_in_a_call_of_a_proxy(run_child):
    out = run_child(
        """
        there = threading.Event()
        class Slow:
            def work(self):
                there.set()
                time.sleep(0.4)
        send, recv = interlane.create_channel()
        interp = interpreters.create()
        interp.exec(f"import interlane; recv = interlane.RecvChannel.from_id({recv.id})")
        send.send(interlane.proxy(Slow()))
        interp.exec("slow = recv.recv()")
        start(interp.exec, "slow.work()", daemon=True)
        there.wait()
        """,
    )
    assert not CPYTHONS_OWN.sub("", out.stderr), out.stderr
