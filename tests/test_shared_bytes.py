"""`SharedBytes`: a `bytes` in every respect, over pages that all interpreters share."""

import copy
import gc
import hashlib
import io
import json
import mmap
import pickle
import re
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import interlane
import pytest
from interlane import SharedBytes, interpreters

PAGE = mmap.PAGESIZE
ALIASED = 64 * 1024
LENGTHS = [
    0,
    1,
    15,
    PAGE - 1,
    PAGE,
    ALIASED - 1,
    ALIASED,
    ALIASED + 1,
    20 * PAGE - 1,
    20 * PAGE,
    20 * PAGE + 1,
]


def pattern(length: int) -> bytes:
    return bytes(range(1, 256)) * (length // 255) + bytes(range(1, length % 255 + 1))


@pytest.fixture
def worker() -> Iterator[Any]:
    worker = interpreters.create()
    yield worker
    worker.close()


def mappings() -> int:
    gc.collect()
    return len(Path("/proc/self/maps").read_text().splitlines())


def files() -> set[str]:
    """The files, by inode, in which shared pages of this process are."""
    gc.collect()
    lines = Path("/proc/self/maps").read_text().splitlines()
    return {line.split()[4] for line in lines if "memfd:interlane" in line}


def through_a_channel(obj: object) -> Any:
    send, recv = interlane.create_channel()
    send.send(obj)
    return recv.recv()


@pytest.mark.parametrize("length", LENGTHS)
def test_it_is_the_bytes_that_it_was_made_of(length: int) -> None:
    data = pattern(length)
    for source in (data, bytearray(data), memoryview(data), io.BytesIO(data).getbuffer()):
        shared = SharedBytes(source)
        assert type(shared) is SharedBytes
        assert isinstance(shared, bytes)
        assert shared == data
        assert hash(shared) == hash(data)
        assert len(shared) == length
        assert {shared: 1}[data] == 1
        assert shared.aliased == (length >= ALIASED)


def test_it_takes_the_arguments_of_bytes() -> None:
    assert SharedBytes() == b""
    assert SharedBytes(3) == bytes(3)
    assert SharedBytes([1, 2]) == b"\1\2"
    assert SharedBytes("ä", "utf-8") == "ä".encode()
    assert SharedBytes("ä", encoding="latin-1", errors="strict") == b"\xe4"
    assert SharedBytes(memoryview(b"abcdef")[::2]) == b"ace"
    assert SharedBytes.fromhex("00ff") == b"\0\xff"
    with pytest.raises(TypeError, match="encoding"):
        SharedBytes("text")  # type: ignore[call-overload]
    with pytest.raises(ValueError, match="negative"):
        SharedBytes(-1)
    shared = SharedBytes(b"x")
    assert SharedBytes(shared) is shared


def test_a_class_with_bytes_method_is_asked_first() -> None:
    class Both(bytearray):
        def __bytes__(self) -> bytes:
            return b"said"

    assert SharedBytes(Both(b"memory")) == bytes(Both(b"memory")) == b"said"


@pytest.mark.parametrize("length", [100, ALIASED + 100])
def test_what_takes_bytes_takes_it(length: int) -> None:
    document = json.dumps({"key": "v" * length}).encode()
    shared = SharedBytes(document)
    assert json.loads(shared) == {"key": "v" * length}
    assert re.search(rb"v+", shared).group() == b"v" * length  # type: ignore[union-attr]
    assert zlib.decompress(zlib.compress(shared)) == document
    assert hashlib.sha256(shared).digest() == hashlib.sha256(document).digest()
    assert b'"key"' in shared
    assert shared.find(b"vv") == document.find(b"vv")
    assert shared + b"!" == document + b"!"
    assert b"".join([shared, shared]) == document * 2
    assert sorted([shared, b"a"]) == sorted([document, b"a"])
    view = memoryview(shared)
    assert view.readonly
    assert view == document
    assert int(SharedBytes(b"12345")) == 12345
    assert float(SharedBytes(b"1.5" + b"0" * length)) == 1.5  # needs the zero behind
    assert shared.decode() == document.decode()


@pytest.mark.parametrize("length", [0, 5, ALIASED])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_it_is_pickled_as_bytes(length: int, protocol: int) -> None:
    loaded = pickle.loads(pickle.dumps(SharedBytes(pattern(length)), protocol))
    assert type(loaded) is bytes
    assert loaded == pattern(length)


def test_a_copy_is_itself() -> None:
    shared = SharedBytes(b"abc")
    assert copy.copy(shared) is shared
    assert copy.deepcopy([shared])[0] is shared


@pytest.mark.parametrize("length", [40, 3 * ALIASED + 5])
def test_slices_are_shared_bytes(length: int) -> None:
    data = pattern(length)
    shared = SharedBytes(data)
    for part in (
        slice(None),
        slice(16, None),
        slice(3, -2),
        slice(-5, None),
        slice(5, 5),
        slice(9, 2),
        slice(None, None, -1),
        slice(1, -1, 3),
        slice(-1, None, -7),
        slice(30, 31, 4),
        slice(-(2**70), 2**70),
    ):
        assert shared[part] == data[part]
        assert type(shared[part]) is SharedBytes
    assert shared[:] is shared
    assert shared[0] == data[0]
    assert shared[-1] == data[-1]
    with pytest.raises(IndexError):
        shared[length]
    with pytest.raises(TypeError, match="must be integers"):
        shared["x"]  # type: ignore[call-overload]


def test_a_large_slice_uses_the_same_memory_and_outlives_the_whole() -> None:
    data = pattern(4 * ALIASED)
    whole = SharedBytes(data)
    before = files()
    part = whole[PAGE + 16 :]
    del whole
    assert part.aliased
    assert part == data[PAGE + 16 :]
    assert part[16:-1].aliased
    assert files() <= before
    del part


@pytest.mark.parametrize("length", LENGTHS)
def test_it_arrives_as_itself(worker: Any, length: int) -> None:
    data = pattern(length)
    send, recv = interlane.create_channel()
    back_send, back_recv = interlane.create_channel()
    worker.prepare_main(recv=recv, back=back_send)
    send.send({"one": [SharedBytes(data)], "part": SharedBytes(data)[5:]})
    worker.exec(
        "import interlane, hashlib\n"
        "item = recv.recv()\n"
        "one, part = item['one'][0], item['part']\n"
        "assert type(one) is type(part) is interlane.SharedBytes\n"
        "back.send((hashlib.sha256(one).digest(), len(part), one.aliased, one))\n"
    )
    digest, rest, aliased, again = back_recv.recv(timeout=60)
    assert digest == hashlib.sha256(data).digest()
    assert rest == max(length - 5, 0)
    assert aliased == (length >= ALIASED)
    assert type(again) is SharedBytes
    assert again == data


def test_all_interpreters_have_the_same_physical_memory(worker: Any) -> None:
    before = files()
    shared = SharedBytes(pattern(ALIASED * 2))
    (file,) = files() - before
    worker.prepare_main(shared=shared)
    worker.exec(
        "here = [line.split()[4] for line in open('/proc/self/maps') if 'memfd:interlane' in line]\n"
        f"assert here.count({file!r}) == 3, here\n"  # the pages, ours, theirs: one file
    )
    assert len(files() - before) == 1
    del shared


def test_it_survives_the_interpreter_that_made_it() -> None:
    data = pattern(ALIASED * 2)
    send, recv = interlane.create_channel()
    maker = interpreters.create()
    maker.prepare_main(send=send)
    maker.exec(
        "import interlane\n"
        f"shared = interlane.SharedBytes(bytes(range(1, 256)) * 600)[: {len(data)}]\n"
        "send.send(shared); send.send(memoryview(shared)[3:1000])"
    )
    maker.close()
    shared, view = recv.recv(), recv.recv()
    assert shared == data
    assert view == data[3:1000]
    assert shared.aliased


def test_memory_views_of_it_arrive_over_the_same_pages() -> None:
    shared = SharedBytes(pattern(ALIASED * 2))
    before = interlane.stats().created
    view = through_a_channel(memoryview(shared)[7:1000:3])
    assert interlane.stats().created == before  # nothing of this interpreter was shared
    del shared
    gc.collect()
    assert view.tobytes() == pattern(ALIASED * 2)[7:1000:3]
    assert view.readonly


def test_a_share_of_it_has_its_memory_as_an_area(worker: Any) -> None:
    shared = SharedBytes(pattern(ALIASED))
    done: list[object] = []
    with interlane.share(shared, on_release=done.append) as share:
        assert share.nbytes == ALIASED
        assert [bytes(area) for area in share.areas] == [shared]
        worker.prepare_main(share=share)
        worker.exec("got = share.get(); share.close()")
        assert interlane.shares(owner=0)[0].nbytes == ALIASED
    assert not done
    worker.exec("del got, share")
    interlane.wait_released(timeout=60)
    end = time.monotonic() + 30
    while not done and time.monotonic() < end:
        interlane.collect()
        time.sleep(0.001)
    interlane.collect()
    assert len(done) == 1


@pytest.mark.parametrize("length", [5, ALIASED])
def test_it_goes_through_the_standard_librarys_ways(worker: Any, length: int) -> None:
    shared = SharedBytes(pattern(length))
    worker.prepare_main(shared=shared)
    worker.exec(f"import interlane; assert type(shared) is interlane.SharedBytes and len(shared) == {length}")


def test_no_mapping_is_left_behind(worker: Any) -> None:
    send, recv = interlane.create_channel()
    worker.prepare_main(recv=recv)
    before = None
    for _ in range(300):
        shared = SharedBytes(pattern(ALIASED))
        send.send(shared)
        send.send(shared[16:])
        del shared
        worker.exec(
            "first = recv.recv(); second = recv.recv(); both = memoryview(first); del first, second, both"
        )
        before = before or mappings()
    assert mappings() <= before + 50  # a new thread has some of its own


def test_what_is_never_received_is_unmapped_with_its_channel() -> None:
    before = mappings()
    for _ in range(50):
        send, recv = interlane.create_channel()
        send.send([SharedBytes(pattern(ALIASED))] * 3)
        del send, recv
    assert mappings() <= before + 25


def test_when_mappings_run_out_it_is_a_copy(run_child: Any) -> None:
    run_child(
        """
        import interlane
        data = bytes(65536)
        most = int(open("/proc/sys/vm/max_map_count").read())
        if most > 100_000:
            raise SystemExit
        kept = [interlane.SharedBytes(data + bytes(16))]
        while kept[-1].aliased:  # mappings, and no memory
            kept.append(kept[0][16:])
        assert len(kept) > most / 10, len(kept)
        assert not interlane.SharedBytes(data).aliased
        send, recv = interlane.create_channel()
        for shared in (kept[1], kept[-1]):
            send.send(shared)
            got = recv.recv()
            assert got == data and type(got) is interlane.SharedBytes and not got.aliased
            send.send(got)
            assert recv.recv() == data
        lines = len(open("/proc/self/maps").read().splitlines())
        assert lines < most * 0.6, lines  # the others have room left
        del kept, got, shared
        assert interlane.SharedBytes(data).aliased
        """
    )


def test_without_descriptors_pages_are_shared_all_the_same(run_child: Any) -> None:
    run_child(
        """
        import interlane, os, resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (50, 50))
        held = []
        try:
            while True:
                held.append(os.open("/dev/null", os.O_RDONLY))
        except OSError:
            pass
        shared = interlane.SharedBytes(b"x" * 100_000)
        assert shared.aliased and shared == b"x" * 100_000
        send, recv = interlane.create_channel()
        send.send(shared)
        assert recv.recv().aliased
        try:
            interlane.SharedBytes.map_file("/proc/self/maps")
        except OSError as error:
            assert error.errno == 24, error
        else:
            raise AssertionError
        """
    )


def test_its_memory_cannot_be_written_to(run_child: Any) -> None:
    child = run_child(
        """
        import ctypes, interlane
        shared = interlane.SharedBytes(bytes(100_000))
        address = id(shared) + bytes.__basicsize__ - 1 + 8192
        ctypes.memset(address, 1, 1)
        """,
        expect=-11,
    )
    assert "Segmentation fault" in child.stderr


def test_in_a_forked_child_it_is_there_too(run_child: Any) -> None:
    run_child(
        """
        import interlane, os
        shared = interlane.SharedBytes(b"x" * 100_000)
        child = os.fork()
        if child == 0:
            part = shared[16:]
            os._exit(0 if part == b"x" * 99_984 and interlane.SharedBytes(b"y" * 70_000).aliased else 1)
        assert os.waitpid(child, 0)[1] == 0
        assert shared == b"x" * 100_000
        """
    )


class TestMappedFiles:
    @pytest.mark.parametrize("length", LENGTHS)
    def test_a_file_is_its_bytes(self, tmp_path: Path, length: int) -> None:
        path = tmp_path / "file"
        path.write_bytes(pattern(length))
        for name in (path, str(path), str(path).encode()):
            mapped = SharedBytes.map_file(name)
            assert type(mapped) is SharedBytes
            assert mapped == pattern(length)
            assert mapped.aliased == (length >= ALIASED)
        assert through_a_channel(mapped) == pattern(length)
        path.unlink()
        assert mapped == pattern(length)

    @pytest.mark.parametrize("offset", [0, 1, 16, PAGE, PAGE + 48, 5 * PAGE - 16])
    def test_a_part_of_a_file_ends_with_a_zero(self, tmp_path: Path, offset: int) -> None:
        path = tmp_path / "file"
        data = b"1" * (5 * ALIASED)
        path.write_bytes(data)
        for length in (0, 10, ALIASED + PAGE + 7, 2 * ALIASED):
            mapped = SharedBytes.map_file(path, offset, length)
            assert mapped == data[offset : offset + length]
            if length == 10:
                assert int(mapped) == 1111111111  # not a digit more
        assert SharedBytes.map_file(path, offset=offset) == data[offset:]
        assert SharedBytes.map_file(path, offset, ALIASED * 2).aliased  # mapped or copied once

    def test_what_the_file_does_not_have_is_refused(self, tmp_path: Path) -> None:
        path = tmp_path / "file"
        path.write_bytes(b"12345")
        assert SharedBytes.map_file(path, 5) == b""
        with pytest.raises(ValueError, match="5 bytes: offset 6"):
            SharedBytes.map_file(path, 6)
        with pytest.raises(ValueError, match="3 bytes from offset 2 on, not 4"):
            SharedBytes.map_file(path, 2, 4)
        for arguments in [(-1,), (0, -1)]:
            with pytest.raises(ValueError, match="must be at least 0"):
                SharedBytes.map_file(path, *arguments)
        with pytest.raises(FileNotFoundError, match="nowhere"):
            SharedBytes.map_file(tmp_path / "nowhere")
        with pytest.raises(ValueError, match="not a regular file"):
            SharedBytes.map_file("/dev/null")
        with pytest.raises(TypeError, match="PathLike"):
            SharedBytes.map_file(3)  # type: ignore[arg-type]
        with pytest.raises(IsADirectoryError):
            SharedBytes.map_file(tmp_path)

    def test_a_file_larger_than_memory_is_bytes_at_once(self, tmp_path: Path) -> None:
        path = tmp_path / "sparse"
        size = 64 << 30
        with path.open("wb") as file:
            file.truncate(size)
            file.seek(40 << 30)
            file.write(b"needle")
        mapped = SharedBytes.map_file(path)
        assert len(mapped) == size
        assert mapped[40 << 30 : (40 << 30) + 6] == b"needle"
        assert through_a_channel(mapped)[-1] == 0

    def test_touching_what_was_cut_off_ends_the_process(self, tmp_path: Path, run_child: Any) -> None:
        path = tmp_path / "file"
        path.write_bytes(bytes(ALIASED * 4))
        child = run_child(
            """
            import interlane, os, sys
            mapped = interlane.SharedBytes.map_file(sys.argv[1])
            os.truncate(sys.argv[1], 100)
            assert mapped[:50] == bytes(50)
            mapped[100_000]
            """,
            str(path),
            expect=-7,
        )
        assert "Bus error" in child.stderr


class TestReadFrom:
    @pytest.mark.parametrize("length", [*LENGTHS, (1 << 20) + 1])
    def test_the_rest_of_a_file_is_read(self, length: int) -> None:
        file = io.BytesIO(b"skip" + pattern(length))
        file.seek(4)
        shared = SharedBytes.read_from(file)
        assert type(shared) is SharedBytes
        assert shared == pattern(length)
        assert shared.aliased == (length >= ALIASED)

    def test_pieces_of_any_kind_and_size_are_put_together(self) -> None:
        class Pieces:
            def __init__(self) -> None:
                self.pieces = [pattern(10), bytearray(pattern(ALIASED)), memoryview(pattern(3)), b""]

            def read(self, size: int) -> Any:
                return self.pieces.pop(0)

        assert SharedBytes.read_from(Pieces()) == pattern(10) + pattern(ALIASED) + pattern(3)

    def test_nonsense_is_refused(self) -> None:
        with pytest.raises(TypeError, match="must return bytes, not str"):
            SharedBytes.read_from(io.StringIO("text"))  # type: ignore[arg-type]
        with pytest.raises(AttributeError, match="read"):
            SharedBytes.read_from(b"bytes")  # type: ignore[arg-type]

        class NotNow:
            def read(self, size: int) -> Any:
                return None

        with pytest.raises(BlockingIOError, match="nothing to be read yet"):
            SharedBytes.read_from(NotNow())
