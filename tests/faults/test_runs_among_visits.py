"""Code is run in an interpreter, and interpreters end, while other threads come and go in there.

CPython 3.12 by itself looks for the thread state to run on without a lock, and crashed within seconds.
Later versions know a thread, until it is attached again, by the thread state that it had before, and write to
that.
"""

import sys
from typing import Any

import pytest

PREPARED = """
from interlane import interpreters

def new_worker():
    worker = interpreters.create()
    send, recv = interlane.create_channel()
    worker.prepare_main(send=send)
    worker.exec('''if True:
        import interlane, threading
        class Remote:
            def answer(self):
                return 42
        send.send(interlane.proxy(Remote()))
        send.close()
    ''')
    return worker, recv.recv()

def visit(remote):
    while not stop.is_set():
        try:
            assert remote.answer() == 42
        except interlane.OwnerGoneError:
            return
        visits.append(1)

stop = threading.Event()
visits = []
"""


def test_code_runs_while_other_threads_visit_the_interpreter(run_child: Any) -> None:
    run_child(
        PREPARED
        + """
worker, remote = new_worker()
visitors = [start(visit, remote) for _ in range(3)]
end = time.monotonic() + 6
runs = 0
while time.monotonic() < end or runs < 100 or len(visits) < 100:
    worker.exec("pass")
    runs += 1
stop.set()
for visitor in visitors:
    visitor.join()
del remote
worker.close()
"""
    )


def test_code_runs_while_threads_of_the_interpreter_end(run_child: Any) -> None:
    run_child(
        PREPARED
        + """
worker, remote = new_worker()
end = time.monotonic() + 3
while time.monotonic() < end:
    worker.exec("for _ in range(4): threading.Thread(target=int).start()")
del remote
worker.close()
"""
    )


def test_an_interpreter_ends_with_its_last_reference_while_other_threads_visit_it(run_child: Any) -> None:
    run_child(
        PREPARED
        + """
odd = []
threading.excepthook = lambda thrown: odd.append(thrown.exc_value)
end = time.monotonic() + 5
while time.monotonic() < end:
    worker, remote = new_worker()
    visitors = [start(visit, remote) for _ in range(3)]
    number, before = worker.id, len(visits)
    until(lambda: len(visits) > before)
    del worker
    try:
        interpreters.Interpreter(number)
    except interpreters.InterpreterNotFoundError:
        pass
    else:
        raise AssertionError("it did not end")
    for visitor in visitors:
        visitor.join()
    assert not odd, odd  # but OwnerGoneError
"""
    )


def test_one_of_two_threads_that_run_code_at_once_is_refused_or_both_run(run_child: Any) -> None:
    run_child(
        PREPARED
        + """
worker, remote = new_worker()
count = interlane.AtomicInt(0)
worker.prepare_main(count=count)
ran, refused = [], []

def run():
    for _ in range(2000):
        try:
            worker.exec("count.store(count.load() + 1)")
        except interpreters.InterpreterError as error:
            assert "already running" in str(error), error
            refused.append(1)
        else:
            ran.append(1)

threads = [start(run) for _ in range(3)]
for thread in threads:
    thread.join()
assert count.load() == len(ran), (count.load(), len(ran), len(refused))
assert len(ran) + len(refused) == 6000
del remote
worker.close()
"""
    )


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="the standard module's own")
def test_an_interpreter_is_ours_from_its_creation_on_even_if_another_thread_lists_it_first(
    run_child: Any,
) -> None:
    run_child(
        PREPARED
        + """
def watch():
    while not stop.is_set():
        interpreters.list_all()

watcher = start(watch)
made = []
for _ in range(20):
    made.append(interpreters.create())
    made[-1].exec("pass")
stop.set()
watcher.join()
assert {one.id for one in made} <= {one.id for one in interpreters.list_all()}
for one in made:
    one.close()
"""
    )


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="the standard module's own, which crashes")
def test_interpreters_come_and_go_while_other_threads_list_them(run_child: Any) -> None:
    """CPython 3.13 by itself ends an interpreter twice if it is asked for while it ends."""
    run_child(
        PREPARED
        + """
def watch():
    while not stop.is_set():
        for one in interpreters.list_all():
            one.is_running()

def quiet_watch():
    while not stop.is_set():
        try:
            watch()
        except interpreters.InterpreterNotFoundError:
            pass  # it has ended since

watchers = [start(quiet_watch) for _ in range(2)]
end = time.monotonic() + 4
made = 0
while time.monotonic() < end or made < 10:
    one = interpreters.create()
    one.exec("pass")
    if made % 3 == 0:
        one.close()
    del one
    made += 1
stop.set()
for watcher in watchers:
    watcher.join()
assert [one.id for one in interpreters.list_all()] == [0]
"""
    )
