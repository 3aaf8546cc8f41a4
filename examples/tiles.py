"""A picture whose tiles several interpreters paint into one buffer.

    python tiles.py [FILE.png [WIDTH HEIGHT]]

The picture is a `SharedBuffer`: memory that no interpreter owns and all of them see. Each task paints a
tile in place and returns nothing. The file is written with `zlib` alone.
"""

import struct
import sys
import zlib
from itertools import product
from pathlib import Path

import interlane

TILE = 64
DEPTH = 160
# What part of the plane is shown: left, right, top, and the rest follows.
LEFT, RIGHT, TOP = -0.7478, -0.7428, 0.1125


def colour(steps):
    """Returns red, green and blue for a point that has left after so many steps."""
    if steps == DEPTH:
        return 0, 0, 0
    t = steps / DEPTH
    return (
        int(9 * (1 - t) * t**3 * 255),
        int(15 * (1 - t) ** 2 * t**2 * 255),
        int(8.5 * (1 - t) ** 3 * t * 255),
    )


def paint(picture, top, left):
    """Paints one tile of the Mandelbrot set."""
    height, width, _ = picture.shape
    scale = (RIGHT - LEFT) / width
    rows = memoryview(picture).cast("B")
    columns = range(left, min(left + TILE, width))
    for y in range(top, min(top + TILE, height)):
        line = bytearray()
        for x in columns:
            c = complex(LEFT + x * scale, TOP - y * scale)
            z, steps = c, 0
            while steps < DEPTH and z.real * z.real + z.imag * z.imag < 4:
                z = z * z + c
                steps += 1
            line.extend(colour(steps))
        start = (y * width + left) * 3
        rows[start : start + len(line)] = line


def png(picture):
    """Returns the picture as a file."""
    height, width, _ = picture.shape
    pixels = memoryview(picture).cast("B")
    stride = width * 3
    lines = b"".join(b"\0" + pixels[y * stride : (y + 1) * stride] for y in range(height))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(lines)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def main(path, width, height):
    """Has it painted, and writes it."""
    picture = interlane.SharedBuffer((height, width, 3))
    corners = list(product(range(0, height, TILE), range(0, width, TILE)))
    with interlane.InterpreterPoolExecutor() as pool:
        for _ in pool.map(paint, [picture] * len(corners), *zip(*corners, strict=True)):
            pass  # raises what a task has raised
    path.write_bytes(png(picture))
    print(f"{len(corners)} tiles in {path.name}, {width} x {height}")


if __name__ == "__main__":
    width, height = map(int, sys.argv[2:4]) if len(sys.argv) > 3 else (800, 600)
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "mandelbrot.png"), width, height)
