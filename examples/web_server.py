"""A web server that answers from interpreters.

    python web_server.py [PORT]

asyncio reads requests and writes answers on one thread. What takes processor time is done by a pool of
isolated interpreters, so that several requests make progress at once, and the event loop always answers at
once.

    GET /primes/100000    how many primes there are below, counted in some interpreter
    GET /                 how many requests there are at the moment
"""

import asyncio
import contextlib
import json
import sys
from http import HTTPStatus

import interlane

open_requests = 0


def count_primes(below):
    """Returns what the client gets. This runs in an interpreter of the pool."""
    from interlane import interpreters

    sieve = bytearray([1]) * below
    sieve[:2] = bytes(len(sieve[:2]))
    for n in range(2, int(below**0.5) + 1):
        if sieve[n]:
            sieve[n * n :: n] = bytes(len(range(n * n, below, n)))
    return {"below": below, "primes": sum(sieve), "interpreter": interpreters.get_current().id}


async def answer(pool, path):
    """Returns a status, and what goes out as JSON."""
    match path.split("/"):
        case ["", ""]:
            return HTTPStatus.OK, {"open requests": open_requests}
        case ["", "primes", number] if number.isdecimal() and len(number) < 9:
            return HTTPStatus.OK, await pool.asubmit(count_primes, int(number))
    return HTTPStatus.NOT_FOUND, {"error": f"no {path} here"}


async def handle(pool, reader, writer):
    """Answers one request."""
    global open_requests
    open_requests += 1
    try:
        async with asyncio.timeout(30):
            request = await reader.readuntil(b"\r\n\r\n")
            status, content = await answer(pool, request.split(b" ", 2)[1].decode())
        body = json.dumps(content).encode()
        head = (
            f"HTTP/1.1 {status} {status.phrase}",
            "Content-Type: application/json",
            f"Content-Length: {len(body)}",
            "Connection: close",
        )
        writer.write("\r\n".join((*head, "", "")).encode() + body)
        await writer.drain()
    except (TimeoutError, ConnectionError, EOFError, ValueError, IndexError):
        pass  # too slow, gone, or not HTTP
    finally:
        open_requests -= 1
        writer.close()


async def main(port):
    """Serves until it is cancelled."""
    with interlane.InterpreterPoolExecutor() as pool:
        server = await asyncio.start_server(lambda *ends: handle(pool, *ends), "127.0.0.1", port)
        print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", flush=True)
        async with server:
            await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
