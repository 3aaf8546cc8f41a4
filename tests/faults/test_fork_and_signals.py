"""What an operating system does to a process."""

import os

import pytest


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork is POSIX")
def test_a_forked_child_can_do_everything(run_child):
    # With an interpreter still open CPython itself crashes the child.
    run_child(
        """
        import warnings
        warnings.simplefilter("ignore")  # about threads: the reaper
        send, recv = interlane.create_channel()
        send.send("x" * 100_000)
        kept = recv.recv()
        send.send("y" * 100_000)
        for _ in range(3):
            interp = interpreters.create()
            interp.exec(f"import interlane; interlane.SendChannel.from_id({send.id}).send('z' * 100_000)")
            interp.close()
        for _ in range(10):
            pid = os.fork()
            if pid == 0:
                try:
                    # What was shared and queued before is here too.
                    assert recv.recv() == "y" * 100_000
                    assert recv.recv_many() == ["z" * 100_000] * 3
                    del kept
                    nothing_is_lost()
                    send.send("a" * 100_000)
                    text = recv.recv()
                    del text
                    nothing_is_lost()
                    interp = interpreters.create()
                    interp.exec(f"import interlane; recv = interlane.RecvChannel.from_id({recv.id})")
                    waiting = start(interp.exec, "held = recv.recv(), recv.recv(5)")
                    time.sleep(0.01)
                    send.send_many(["b" * 100_000, bytearray(50_000)])
                    waiting.join()
                    interp.close()
                    nothing_is_lost()
                    os._exit(0)
                finally:
                    os._exit(1)
            assert os.waitpid(pid, 0)[1] == 0
        del kept
        assert recv.recv_many() == ["y" * 100_000] + ["z" * 100_000] * 3
        nothing_is_lost()
        """,
    )


@pytest.mark.skipif(not hasattr(os, "fork"), reason="fork is POSIX")
def test_a_child_forked_amid_releases_and_waits_has_all_locks_free(run_child):
    run_child(
        """
        import faulthandler, warnings
        warnings.simplefilter("ignore")
        send, recv = interlane.create_channel()
        over = False
        def churn():  # releases through the reaper, and threads that go to sleep
            while not over:
                send.send("x" * 100_000)
                quiet(recv.recv, 0.0005)
                quiet(recv.recv, 0.0005)
        threads = [start(churn) for _ in range(2)]
        def fork():
            pid = os.fork()
            if pid == 0:
                faulthandler.dump_traceback_later(60, exit=True)
                mine, yours = interlane.create_channel()
                thread = start(lambda: (time.sleep(0.005), mine.send("y" * 100_000)))
                text = yours.recv()
                del text
                thread.join()
                os._exit(0)
            return os.waitpid(pid, 0)[1]
        try:
            assert not any(fork() for _ in range(60))
        finally:
            over = True
        for thread in threads:
            thread.join()
        """,
        timeout=115,
    )
