"""NumPy in an interpreter that has the main one's GIL, the only other kind that it loads in."""

import sysconfig
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(bool(sysconfig.get_config_var("Py_GIL_DISABLED")), reason="there is no GIL")


def test_arrays_arrive_as_arrays_where_numpy_is_loaded_and_as_buffers_elsewhere(
    run_child: Any, np: Any
) -> None:
    run_child(
        """
import sys, warnings
import interlane
from interlane import interpreters

if sys.version_info >= (3, 13):
    import _interpreters
    legacy = _interpreters.create("legacy")
else:
    import _xxsubinterpreters as _interpreters
    legacy = _interpreters.create(isolated=False)

def run(code):
    failed = _interpreters.run_string(legacy, code)
    assert failed is None, failed

there, inside = interlane.create_channel()
outside, back = interlane.create_channel()
run(f'''if True:
    import warnings
    import interlane
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it says that it does not like to be here
        import numpy as np
    send, recv = interlane.SendChannel.from_id({outside.id}), interlane.RecvChannel.from_id({inside.id})
    kinds = [np.arange(6.0).reshape(2, 3), np.array(["2026-01-01"], "M8[D]"),
             np.arange(10, dtype=">i2")[::-3], np.array([(1, 2.5)], [("a", "i4"), ("b", "f8")])]
    for array in kinds:
        send.send(array)
''')
assert "numpy" not in sys.modules
worker = interpreters.create()  # an isolated one, on the way
away, home = interlane.create_channel()
worker.prepare_main(away=away)
for _ in range(4):
    got = back.recv(timeout=50)
    assert type(got) is interlane.SharedBuffer and got.readonly
    worker.prepare_main(got=got)
    worker.exec("assert type(got).__name__ == 'SharedBuffer'; away.send(got); del got")
    there.send([got, home.recv(timeout=50)])
    del got
run('''if True:
    for array in kinds:
        for got in recv.recv(timeout=50):
            assert type(got) is np.ndarray and not got.flags.writeable
            assert got.shape == array.shape and got.strides == array.strides and (got == array).all()
            assert got.dtype == array.dtype or array.dtype.kind == "M"
            assert np.shares_memory(got.view("u1") if got.flags.c_contiguous else got,
                                    array.view("u1") if array.flags.c_contiguous else array)
    with interlane.share(kinds[0], writable=True) as share:
        send.send(share)
''')
share = back.recv(timeout=50)
view = share.get()
view[1, 2] = 99.5
del view
share.close()
run("assert kinds[0][1, 2] == 99.5; del got, array; send.close(); recv.close()")
worker.exec("away.close()")
worker.close()
import gc, time
gc.collect()
end = time.monotonic() + 50
while interlane.stats().live and time.monotonic() < end:
    time.sleep(0.002)
assert interlane.stats().live == 0, interlane.shares()
_interpreters.destroy(legacy)
""",
        timeout=100,
    )
