"""Arrays for the libraries that exchange tensors, and from them."""

from array import array

import interlane
import pytest
from interlane import SharedBuffer

pytestmark = pytest.mark.usefixtures("nothing_left")

FORMATS = [
    "b",
    "B",
    "h",
    "H",
    "i",
    "I",
    "l",
    "L",
    "q",
    "Q",
    "n",
    "N",
    "e",
    "f",
    "d",
    "Zf",
    "Zd",
    "F",
    "D",
    "?",
]


@pytest.mark.parametrize("code", FORMATS)
def test_numpy_takes_a_shared_buffer_without_a_copy(np, code):
    buffer = SharedBuffer((3, 4), code)
    taken = np.from_dlpack(buffer)
    assert taken.dtype == {"Zf": "c8", "Zd": "c16", "F": "c8", "D": "c16"}.get(code, code)
    assert (taken.shape, taken.strides) == (buffer.shape, buffer.strides)
    assert taken.ctypes.data == np.asarray(buffer.cast("B")).ctypes.data
    taken[1, 2] = 1
    assert buffer[1, 2] == 1


def test_numpy_takes_any_layout(np):
    buffer = SharedBuffer((4, 6), "i")
    np.asarray(buffer)[...] = np.arange(24).reshape(4, 6)
    for part in (
        buffer[::-1, ::2],
        buffer[1],
        buffer[:, 3],
        buffer[:0],
        buffer[2, 3, ...],
        SharedBuffer((), "d"),
    ):
        taken = np.from_dlpack(part)
        assert taken.shape == part.shape
        assert taken.tolist() == part.tolist()
        assert np.shares_memory(taken, np.asarray(part)) or not taken.size


def test_read_only_memory_stays_read_only(np):
    buffer = SharedBuffer(4, "d").toreadonly()
    assert not np.from_dlpack(buffer).flags.writeable
    assert np.from_dlpack(SharedBuffer(4, "d")).flags.writeable
    with pytest.raises(BufferError, match="read-only"):
        buffer.__dlpack__()
    with pytest.raises(BufferError, match="read-only"):
        buffer.__dlpack__(max_version=(0, 8))


def test_a_copy_is_independent_and_writable(np):
    buffer = SharedBuffer(4, "d")
    for source in (buffer, buffer.toreadonly()):
        copy = np.from_dlpack(source, copy=True)
        copy[0] = 5
        assert buffer[0] == 0
    assert "copied" not in str(buffer.__dlpack__(copy=False))


@pytest.mark.parametrize("code", [">i", "<2i", "4s", "c", "ii", "3p"])
def test_formats_that_dlpack_has_no_words_for_are_refused(code):
    buffer = SharedBuffer(4, code)
    with pytest.raises(BufferError, match="no data type"):
        buffer.__dlpack__(max_version=(1, 0))


def test_a_byte_order_that_is_this_machines_is_no_obstacle(np):
    buffer = SharedBuffer.copy_of(array("i", [1, 2, 3])).cast("B").cast("<i")
    assert np.from_dlpack(buffer).tolist() == [1, 2, 3]


def test_what_is_asked_for_and_cannot_be_is_refused():
    buffer = SharedBuffer(4)
    assert buffer.__dlpack_device__() == (1, 0)
    assert "dltensor_versioned" in repr(buffer.__dlpack__(max_version=(1, 3), dl_device=(1, 0)))
    assert '"dltensor"' in repr(buffer.__dlpack__())
    with pytest.raises(BufferError, match=r"device \(2, 0\)"):
        buffer.__dlpack__(dl_device=(2, 0))
    with pytest.raises(ValueError, match="stream"):
        buffer.__dlpack__(stream=1)
    with pytest.raises(TypeError):
        buffer.__dlpack__(None)
    for wrong in (1, (1,), (1, 2, 3), "1.0", (1, "x")):
        with pytest.raises(TypeError):
            buffer.__dlpack__(max_version=wrong)


def test_memory_that_numpy_has_from_an_interpreter_outlives_everything_in_between(np):
    # NumPy lives in this interpreter; what it has here is another interpreter's part of the memory.
    buffer = SharedBuffer((2, 3), "d")
    send, recv = interlane.create_channel()
    send.send(buffer[1])
    taken = np.from_dlpack(recv.recv())
    buffer[1, 2] = 7.5
    del buffer
    assert taken.tolist() == [0, 0, 7.5]
    assert len(interlane.shares()) == 1
    del taken
    assert interlane.shares() == []


def test_a_consumer_in_an_isolated_interpreter_gets_the_same_memory_and_may_give_it_back_in_any_thread(run):
    run("""
buffer = interlane.SharedBuffer((3, 4), "f")
buffer[1, 2] = 1.5
worker = isolated(buffer=buffer)
worker.prepare_main(address=capsules.address(buffer))
worker.exec('''if True:
    for version in (None, (1, 0)):
        for foreign in (False, True):
            part = buffer[::2, 1:]
            handle, where, shape, strides, dtype, device, major, flags = capsules.take_tensor(
                part.__dlpack__(max_version=version))
            assert where == address + 4 and shape == [2, 3] and strides == [8, 1], (where, shape, strides)
            assert dtype == (2, 32, 1) and device == (1, 0)
            assert (major, flags) == ((0, 0) if version is None else (1, 0))
            del part
            capsules.delete_tensor(handle, bool(version), foreign)
    assert capsules.take_tensor(buffer.toreadonly().__dlpack__(max_version=(1, 0)))[-1] == 1
    handle, *_, flags = capsules.take_tensor(buffer.__dlpack__(max_version=(1, 0), copy=True))
    assert flags == 2
    capsules.delete_tensor(handle, True, True)
    buffer.__dlpack__(), buffer.__dlpack__(max_version=(1, 0))  # never taken
    kept, *_ = capsules.take_tensor(buffer.__dlpack__())
    del buffer
''')
assert interlane.shares()[0].holders[worker.id] >= 1
worker.exec("capsules.delete_tensor(kept, False, True)")
# The one that was never given back is read-only: its handle was thrown away above.
assert interlane.shares()[0].holders[worker.id] == 1
worker.close()
assert buffer[1, 2] == 1.5
""")


# --- imported

TENSORS = """
from array import array
values = array("d", range(12))

class Kept: memory = values  # what the memory is kept by

class Tensor:
    '''Memory with a shape, that only DLPack tells of.'''
    def __init__(self, shape=(3, 4), strides=None, *, code=2, bits=64, lanes=1, device=1, offset=0,
                 version=1, flags=0, ndim=None, data=None):
        self.kept = Kept()
        where = capsules.address(values) if data is None else data
        self.args = (self.kept, where, shape, strides, code, bits, lanes, device, offset, version, flags,
                     len(shape) if ndim is None else ndim)
    def __dlpack_device__(self):
        return self.args[7], 0
    def __dlpack__(self, *, stream=None, max_version=None, dl_device=None, copy=None):
        assert max_version == (1, 0) and stream is None
        return capsules.tensor(*self.args)

class Old(Tensor):
    def __init__(self, *args, **options): super().__init__(*args, version=0, **options)
    def __dlpack__(self, stream=None):
        return capsules.tensor(*self.args)
"""


def test_a_tensor_arrives_as_a_shared_buffer_over_the_same_memory(run):
    run(
        TENSORS
        + """
worker = isolated()
send, recv = interlane.create_channel()
worker.prepare_main(recv=recv, where=capsules.address(values))
home = interpreters.get_current().id
for sent in (Tensor(), Old(), Tensor((4, 3), (1, 4)), Old((2,), (5,), offset=16), Tensor(()), Tensor((0, 4))):
    expected = sent.args[1] + sent.args[8]
    kept, before = sent.kept, sys.getrefcount(sent.kept)
    send.send([sent])
    args = sent.args[2:4]
    del sent
    worker.prepare_main(args=args)
    worker.exec('''if True:
        shape, strides = args
        got = recv.recv()[0]
        assert type(got) is interlane.SharedBuffer and got.readonly and got.format == "d"
        assert got.shape == shape and (not strides or got.strides == tuple(8 * it for it in strides))
        handle, address, *_, flags = capsules.take_tensor(got.__dlpack__(max_version=(1, 0)))
        assert flags == 1
        assert not got.nbytes or where <= address <= where + 16
        del got
    ''')
    assert capsules.log() == [] and sys.getrefcount(kept) > 2
    worker.exec("capsules.delete_tensor(handle, True, True)")
    nothing_is_lost()
    (what, interpreter, _), = capsules.log()
    assert (what, interpreter) == ("tensor", home)
worker.close()
"""
    )


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("code=0, bits=8", "b"),
        ("code=0, bits=16", "h"),
        ("code=0, bits=32", "i"),
        ("code=0, bits=64", "q"),
        ("code=1, bits=8", "B"),
        ("code=1, bits=16", "H"),
        ("code=1, bits=32", "I"),
        ("code=1, bits=64", "Q"),
        ("code=2, bits=16", "e"),
        ("code=2, bits=32", "f"),
        ("code=5, bits=64", "Zf"),
        ("code=5, bits=128", "Zd"),
        ("code=6, bits=8", "?"),
    ],
)
def test_each_data_type_has_its_format(run, options, expected):
    run(
        TENSORS
        + f"""
got = exchange(Tensor((3,), {options}))
assert got.format == {expected!r} and got.shape == (3,)
dtype = capsules.take_tensor(got.__dlpack__(max_version=(1, 0)))[4]
assert dtype == Tensor((3,), {options}).args[4:7]
"""
    )


def test_borrowers_write_only_where_they_may(run):
    run(
        TENSORS
        + """
worker = isolated()
with interlane.share(Tensor(), writable=True) as share:
    worker.prepare_main(share=share)
    worker.exec("got = share.get(); got[1, 1] = 99.5; del got; share.close(); del share")
    assert share.nbytes == 96 and len(share.areas) == 1 and share.areas[0].shape == (3, 4)
assert values[5] == 99.5
nothing_is_lost()
assert "read-only" in refused(lambda: interlane.share(Tensor(flags=1), writable=True), error=BufferError)
got = exchange(Tensor(flags=1))
refused(lambda: got.__setitem__((0, 0), 1), error=TypeError)
del got
nothing_is_lost()
assert [row[1] for row in capsules.log()] == [0] * 3
worker.close()
"""
    )


def test_what_cannot_be_shared_is_refused_with_the_reason_and_goes_back(run):
    run(
        TENSORS
        + """
class NoDevice(Tensor):
    __dlpack_device__ = None
class Answers(Tensor):
    def __init__(self, answer): self.answer = answer
    def __dlpack_device__(self): return 1, 0
    def __dlpack__(self, **options): return self.answer
class Odd(Tensor):
    def __dlpack_device__(self): return "cpu"
wrong = [
    (Tensor(device=2), "CUDA 0: only memory of the CPU"),
    (Tensor(device=99), "of an unknown kind 0"),
    (Tensor(bits=16, code=4), "no format for: bfloat16"),
    (Tensor(lanes=4), "float64 times 4"),
    (Tensor(bits=3), "float3"),
    (Tensor((-1,)), "shape [-1]"),
    (Tensor((2**62, 2**62)), "has the shape"),
    (Tensor(ndim=-1), "-1 dimensions"),
    (Tensor((1,) * 65), "65 dimensions"),
    (Tensor(data=0), "96 bytes at NULL"),
    (Tensor((2, 2), (2**62, 1)), "has the strides"),
    (Tensor(version=2), "of version 2.0"),
    (Answers(None), "no DLPack capsule but None"),
    (Answers(capsules.named("dltensors")), "no DLPack capsule"),
    (Odd(), "two numbers from __dlpack_device__, not 'cpu'"),
]
for item, what in wrong:
    capsules.log()
    message = refused(exchange, {"a": item})
    assert message.startswith("item['a']: ") and what in message, (what, message)
    nothing_is_lost()
    never_taken = any(word in what for word in ("device", "CPU", "kind", "capsule"))
    assert len(capsules.log()) == (0 if never_taken else 1), what
used = capsules.tensor(*Tensor(strides=(4, 1)).args)
capsules.take_tensor(used)
assert "used_dltensor" in refused(exchange, Answers(used))
class Angry(Tensor):
    def __dlpack__(self, **options): raise BufferError("no")
try:
    exchange(Angry())
except BufferError as error:
    assert "__dlpack__ of" in error.__notes__[0]
else:
    raise AssertionError
"""
    )


def test_an_owner_that_ends_leaves_its_tensors_to_their_borrowers(run):
    run(
        TENSORS
        + """
def lend(make):
    owner = isolated()
    send, recv = interlane.create_channel()
    owner.prepare_main(send=send)
    owner.exec(sys.argv[1] + f"\\nsend.send({make})")
    got = recv.recv()
    owner.close()
    return got
one, shared = lend("Tensor()"), lend("interlane.share([Old()])").get()[0]
assert interlane.stats().orphaned == 2
assert one[2, 3] == shared[2, 3] == 11
capsules.log()
del one, shared
nothing_is_lost(orphaned=2)
assert capsules.log() == []
""",
        TENSORS,
    )


def test_an_exporter_of_buffers_that_dlpack_has_no_words_for_arrives_as_one(run):
    run(
        TENSORS
        + """
if sys.version_info < (3, 12):
    raise SystemExit
class Both(Tensor):
    def __buffer__(self, flags): return memoryview(values)
assert type(exchange(Both())) is interlane.SharedBuffer
assert type(exchange(Both(code=4, bits=16))) is memoryview
nothing_is_lost()
"""
    )


def test_numpys_arrays_and_scalars_stay_what_they_are(np):
    send, recv = interlane.create_channel()
    for item in (np.arange(3), np.float64(1)):
        send.send(item)
        assert type(recv.recv()) is type(item)


def test_numpys_memory_behind_another_class(np):
    class Wrapper:
        def __init__(self, array):
            self.array = array

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

        def __dlpack__(self, **options):
            return self.array.__dlpack__(**options)

    array = np.arange(24, dtype="c8").reshape(2, 3, 4)[::-1, 1:, ::2]
    send, recv = interlane.create_channel()
    send.send(Wrapper(array))
    got = recv.recv()
    assert (got.shape, got.strides, got.readonly) == (array.shape, array.strides, True)
    again = np.from_dlpack(got)
    assert np.shares_memory(again, array)
    assert np.array_equal(again, array)
    assert not again.flags.writeable
