"""`interlane.interpreters`: the same behaviour on every version, whoever implements it."""

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import interlane
import pytest
from interlane import interpreters

OURS = sys.version_info < (3, 14)
only_ours = pytest.mark.skipif(not OURS, reason="the standard module does not do this")
PRELUDE = "import sys, threading, time\nfrom interlane import interpreters\n"


# --- the module -------------------------------------------------------------------------------------------


@pytest.mark.skipif(OURS, reason="3.14 is the first version with a standard module")
def test_it_is_the_standard_module_where_there_is_one():
    import concurrent.interpreters

    import interlane.interpreters as imported

    assert imported is concurrent.interpreters
    assert interlane.interpreters is concurrent.interpreters
    assert sys.modules["interlane.interpreters"] is concurrent.interpreters


def test_importing_interlane_elsewhere_imports_little(run_child):
    out = run_child(
        """
        from interlane import interpreters
        interp = interpreters.create()
        interp.exec('''if True:
            import sys
            before = set(sys.modules)
            import interlane
            print(*sorted(set(sys.modules) - before))
            try:
                send, recv = interlane.create_channel()
                recv.recv_nowait()
            except interlane.WouldBlock as error:
                import queue
                assert isinstance(error, queue.Empty) and isinstance(error, interlane.ChannelEmpty)
        ''')
        interp.close()
        """
    )
    others = {name for name in out.split() if not name.startswith("interlane")}
    assert others <= {"_interpreters", "_queue", "atexit"}


def test_errors_have_the_standard_bases():
    assert issubclass(interpreters.InterpreterNotFoundError, interpreters.InterpreterError)
    assert issubclass(interpreters.ExecutionFailed, interpreters.InterpreterError)
    assert issubclass(interlane.NotShareableError, interpreters.NotShareableError)


# --- identity ---------------------------------------------------------------------------------------------


def test_an_id_has_one_object(interp):
    assert interpreters.Interpreter(interp.id) is interp
    assert interp in interpreters.list_all()
    assert pickle.loads(pickle.dumps(interp)) is interp
    assert repr(interp) == f"Interpreter({interp.id})"
    assert hash(interp) == hash(interp.id)


def test_whence_tells_who_created_it(interp):
    assert interp.whence == "_interpreters module"
    assert interpreters.get_main().whence == "runtime init"


@pytest.mark.skipif(sys.version_info < (3, 13), reason="3.12 runs all code on one thread state")
def test_code_has_a_context_and_thread_local_objects_of_its_own(interp):
    interp.exec("""if True:
        import contextvars, threading
        variable, local = contextvars.ContextVar("variable", default=0), threading.local()
        variable.set(1)
        local.set = True
    """)
    interp.exec("assert variable.get() == 0 and not hasattr(local, 'set')")
    interp.exec("assert threading.get_native_id() == threading.current_thread().native_id")


def test_the_main_interpreter_is_current_here():
    assert interpreters.get_current() is interpreters.get_main()
    assert interpreters.get_main().id == 0
    assert interpreters.get_main().is_running()


def test_an_interpreter_knows_itself(run_child):
    out = run_child(
        PRELUDE
        + """
i = interpreters.create()
i.exec(f'''
import sys
sys.path[:] = {sys.path!r}
from interlane import interpreters
print(interpreters.get_current().id == {i.id}, interpreters.get_current().is_running())
''')
i.close()
"""
    )
    assert out.split() == ["True", "True"]


@pytest.mark.parametrize("bad", ["1", 1.0, None])
def test_an_id_must_be_an_int(bad):
    with pytest.raises(TypeError, match="id must be an int"):
        interpreters.Interpreter(bad)


def test_a_negative_id_is_a_value_error():
    with pytest.raises(ValueError, match="non-negative"):
        interpreters.Interpreter(-1)


def test_an_unknown_id_is_not_found():
    with pytest.raises(interpreters.InterpreterNotFoundError, match="unrecognized interpreter ID 99999"):
        interpreters.Interpreter(99999)


# --- exec -------------------------------------------------------------------------------------------------


def test_exec_uses_main_and_keeps_it(interp):
    interp.exec("x = 1; before = set(globals())")
    interp.exec("assert x == 1 and __name__ == '__main__'")
    interp.exec("assert set(globals()) - before == {'before'}, set(globals()) - before")


def test_exec_takes_functions_and_code(interp):
    def script():
        global made_by_function
        made_by_function = True

    interp.exec(script)
    interp.exec(compile("made_by_code = True", "<test>", "exec"))
    interp.exec("assert made_by_function and made_by_code")


def test_an_uncaught_exception_arrives_as_a_snapshot(interp):
    with pytest.raises(interpreters.ExecutionFailed) as caught:
        interp.exec("class Odd(Exception): pass\nraise Odd('h\\xe9\\nz')")
    info = caught.value.excinfo
    assert (info.type.__name__, info.type.__qualname__, info.type.__module__) == ("Odd", "Odd", "__main__")
    assert info.msg == "h\xe9\nz"
    assert info.formatted == "Odd: h\xe9\nz"
    assert info.errdisplay.splitlines()[:2] == [
        "Traceback (most recent call last):",
        '  File "<script>", line 2, in <module>',
    ]
    assert str(caught.value) == f"Odd: h\xe9\nz\n\nUncaught in the interpreter:\n\n{info.errdisplay}"


def test_a_cause_is_part_of_the_display(interp):
    with pytest.raises(interpreters.ExecutionFailed) as caught:
        interp.exec("try: 1/0\nexcept Exception as e: raise KeyError('k') from e")
    assert "ZeroDivisionError" in caught.value.excinfo.errdisplay
    assert "direct cause" in caught.value.excinfo.errdisplay


@pytest.mark.parametrize("name", ["SystemExit", "KeyboardInterrupt"])
def test_exceptions_that_end_a_program_end_only_the_call(interp, name):
    with pytest.raises(interpreters.ExecutionFailed) as caught:
        interp.exec(f"raise {name}")
    assert caught.value.excinfo.type.__name__ == name
    interp.exec("pass")


@only_ours  # CPython 3.13 to 3.15 crash here
def test_an_exception_that_cannot_be_printed_is_reported(interp):
    with pytest.raises(interpreters.ExecutionFailed, match=r"str\(\) failed"):
        interp.exec("class Bad(Exception):\n  def __str__(self): raise TypeError\nraise Bad")


def test_a_syntax_error_is_raised_before_anything_runs(interp):
    with pytest.raises(SyntaxError):
        interp.exec("1 +")


def with_argument(a):
    pass


def with_result():
    return 3


def closure():
    x = 1
    return lambda: print(x)


@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        (with_argument, ValueError, "args not supported"),
        (with_result, ValueError, "returns a value"),
        (closure(), ValueError, "closures not supported"),
        (None, TypeError, "unsupported script None"),
        (len, TypeError, "unsupported script"),
    ],
)
def test_what_is_no_script_is_refused(interp, script, error, message):
    with pytest.raises(error, match=message):
        interp.exec(script)


def test_exec_in_a_running_interpreter_is_refused(interp):
    with running(interp):
        assert interp.is_running()
        with pytest.raises(interpreters.InterpreterError, match="already running"):
            interp.exec("pass")
        with pytest.raises(interpreters.InterpreterError, match="already running"):
            interp.prepare_main(a=1)
        with pytest.raises(interpreters.InterpreterError, match="already running"):
            interp.call(len, ())
        with pytest.raises(interpreters.InterpreterError, match="interpreter running"):
            interp.close()
    assert not interp.is_running()
    interp.exec("pass")


def test_the_main_interpreter_cannot_be_changed():
    main = interpreters.get_main()
    with pytest.raises(
        interpreters.InterpreterError, match="cannot exec code for unrecognized interpreter 0"
    ):
        main.exec("pass")
    with pytest.raises(interpreters.InterpreterError, match="cannot update __main__"):
        main.prepare_main(a=1)
    with pytest.raises(interpreters.InterpreterError, match="cannot destroy"):
        main.close()
    with pytest.raises(interpreters.InterpreterError, match="cannot make a call"):
        main.call(len, ())


def test_event_loops_run_in_interpreters_while_the_main_one_runs_one(run_child):
    # On 3.12, `asyncio.run` found the main one's own handler of Ctrl-C in them, and the process crashed.
    run_child(
        """
        import asyncio
        from interlane import interpreters

        code = "import asyncio\\nfor _ in range(20): asyncio.run(asyncio.sleep(0))"

        async def main():
            there = [interpreters.create() for _ in range(3)]
            there[0].exec(code)  # on the main thread
            await asyncio.gather(*(asyncio.to_thread(interp.exec, code) for interp in there))
            for interp in there:
                interp.close()

        asyncio.run(main())
        """
    )


def test_an_interpreter_has_a_gil_of_its_own(run_child):
    """One that never lets go of its own does not hold up the others; with a shared one this would hang."""
    out = run_child(
        PRELUDE
        + """
i = interpreters.create()
code = "import os, re; os.write(FD, b'!'); re.match('(a|a)*b', 'a' * 24)"
import os
started, start = os.pipe()
thread = threading.Thread(target=i.exec, args=(code.replace("FD", str(start)),))
thread.start()
os.read(started, 1)
turns = 0
while thread.is_alive():
    time.sleep(0.001)
    turns += 1
print(turns > 20)
i.close()
"""
    )
    assert out.strip() == "True"


# --- prepare_main -----------------------------------------------------------------------------------------


def test_prepare_main_binds_values(interp):
    interp.prepare_main({"a": 1, "b": "text"}, c=(None, 2.5, b"x"), b=True)
    interp.exec("assert (a, b, c) == (1, True, (None, 2.5, b'x'))")


def test_prepare_main_leaves_its_argument_alone(interp):
    values = {"a": 1}
    interp.prepare_main(values, b=2)
    assert values == {"a": 1}


def test_prepare_main_passes_channel_ends(interp):
    send, recv = interlane.create_channel()
    with send, recv:
        interp.prepare_main(send=send)
        interp.exec("send.send('from there')")
        assert recv.recv(timeout=60) == "from there"


@only_ours
def test_prepare_main_takes_what_a_channel_takes(interp):
    interp.prepare_main(a=[1, {"x": {2}}], b=Path("some", "file"))
    interp.exec("assert a == [1, {'x': {2}}] and b.name == 'file'")


def test_prepare_main_binds_nothing_if_something_cannot_be_sent(interp):
    with pytest.raises(interpreters.NotShareableError):
        interp.prepare_main(a=1, b=threading.Lock())
    interp.exec("assert 'a' not in globals()")


def test_prepare_main_wants_names(interp):
    with pytest.raises(TypeError):
        interp.prepare_main({1: 2})


# --- call -------------------------------------------------------------------------------------------------


def test_call_returns_the_result(interp):
    assert interp.call(len, [1, 2]) == 2
    assert interp.call(pow, 2, exp=10) == 1024
    assert interp.call(dict, a=[1], b={2}) == {"a": [1], "b": {2}}
    assert interp.call(with_result) == 3


def test_call_takes_callables_by_name(interp):
    import statistics

    assert interp.call(statistics.mean, [1, 2, 3]) == 2


def test_call_takes_a_lambda_by_code(interp):
    assert interp.call(lambda a, *, b: a + b, 1, b=2) == 3


@only_ours
def test_call_takes_defaults(interp):
    assert interp.call(lambda a, b=3, *, c=4: a + b + c, 1) == 8


def test_call_takes_bound_methods(interp):
    assert interp.call("a-b".split, "-") == ["a", "b"]


def test_call_in_another_interpreter_is_really_there(interp):
    def where():
        import sys

        return id(sys.modules)

    assert interp.call(where) != id(sys.modules)


def test_call_reports_exceptions(interp):
    with pytest.raises(interpreters.ExecutionFailed) as caught:
        interp.call(lambda: 1 / 0)
    assert caught.value.excinfo.formatted == "ZeroDivisionError: division by zero"
    assert "_interlane_remote" not in caught.value.excinfo.errdisplay
    assert "remote.py" not in caught.value.excinfo.errdisplay


def test_call_with_wrong_arguments_is_an_exception_there(interp):
    with pytest.raises(interpreters.ExecutionFailed, match="missing 1 required positional argument: 'a'"):
        interp.call(with_argument)


def test_call_refuses_what_is_not_callable(interp):
    with pytest.raises(TypeError, match="expected a callable"):
        interp.call(3)


def test_call_refuses_closures(interp):
    x = 1
    with pytest.raises(interpreters.NotShareableError, match="free variables: x" if OURS else "stateless"):
        interp.call(lambda: x)


@only_ours
def test_call_says_which_globals_a_function_would_miss(interp):
    with pytest.raises(interpreters.NotShareableError, match=r"needs the globals of .*: PRELUDE"):
        interp.call(lambda: PRELUDE)


def test_call_refuses_arguments_and_results_that_cannot_be_shared(interp):
    with pytest.raises(interpreters.NotShareableError):
        interp.call(len, threading.Lock())
    with pytest.raises(interpreters.NotShareableError):
        interp.call(threading.Lock)
    assert interp.call(len, "abc") == 3


def test_call_in_thread_starts_a_thread(interp):
    send, recv = interlane.create_channel()
    with send, recv:
        interp.prepare_main(send=send)
        thread = interp.call_in_thread(exec, "import __main__; __main__.send.send('called')")
        assert recv.recv(timeout=60) == "called"
        thread.join(60)
    assert not thread.is_alive()


SCRIPT = """
import json
from interlane import interpreters

class Point:
    def __init__(self, x): self.x = x
    def __call__(self): return self.x
    def double(self): return self.x * 2

def parse(text): return json.loads(text)
def twice(text): return [parse(text)] * 2
def made_there(): return Point(5)

if __name__ == "__main__":
    i = interpreters.create()
    assert i.call(parse, '{"a": 1}') == {"a": 1}
    assert i.call(twice, "7") == [7, 7]
    assert i.call(Point(4)) == 4
    assert i.call(Point(4).double) == 8
    if EXTRA:
        assert i.call(made_there).x == 5 and type(i.call(Point, 6)) is Point
        i.prepare_main(p=Point(3), json=3)
        i.exec("assert p.x == 3 and '__getattr__' not in globals()")
    i.close()
    print("done")
"""


def test_functions_and_classes_of_the_script_can_be_called(tmp_path):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT.replace("EXTRA", str(OURS)))
    run = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=180, check=False)
    assert (run.returncode, run.stdout, run.stderr) == (0, "done\n", "")


@only_ours
def test_functions_of_main_see_the_globals_of_the_target(run_child):
    out = run_child(
        PRELUDE
        + """
here = 'creator'
def where(): return here
i = interpreters.create()
i.exec("here = 'target'")
print(i.call(where))
i.close()
"""
    )
    assert out.strip() == "target"


@only_ours
def test_interlane_is_found_whatever_sys_path_is_there(interp):
    interp.exec("import sys; sys.path[:] = [p for p in sys.path if 'python3' in p and 'packages' not in p]")
    assert interp.call(len, "abc") == 3


# --- help -------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def running(interp):
    """Keeps an interpreter busy, in a thread, until the block ends."""
    started, start = os.pipe()
    stopped, stop = os.pipe()
    code = f"import os; os.write({start}, b'!'); os.read({stopped}, 1)"
    thread = threading.Thread(target=interp.exec, args=(code,))
    thread.start()
    try:
        os.read(started, 1)
        yield
    finally:
        os.write(stop, b"!")
        thread.join(60)
        for end in (started, start, stopped, stop):
            os.close(end)
    assert not thread.is_alive()


def test_of_two_threads_that_begin_at_once_one_is_refused(run_child):
    # On 3.12 both could get in, with one thread state.
    run_child(
        """
import threading
from interlane import interpreters
for _ in range(60):
    interp = interpreters.create()
    interp.exec("import time; count = 0")
    refused = []
    begin = threading.Barrier(4)
    def work():
        begin.wait()
        for _ in range(20):
            try:
                interp.exec("before = count; time.sleep(0.0001); count = before + 1")
            except interpreters.InterpreterError as error:
                assert "already running" in str(error), error
                refused.append(error)
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    interp.exec(f"assert count == 80 - {len(refused)}, (count, {len(refused)})")
    interp.close()
"""
    )
