"""The page's server, inside the event loop that everything else runs in."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette

from bot.errors import UsageError

_LONGEST_GOODBYE = 1
_BACKLOG = 128


class _Server(uvicorn.Server):
    """Uvicorn without signal handlers: signals are for whoever runs the loop."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Capture none."""
        yield


async def serve(app: Starlette, host: str, port: int, ready: Callable[[int], None]) -> None:
    """Serve the page until cancelled; `ready` is told the port, which is a free one where `port` is 0.

    Raises `UsageError` for a host or a port that cannot be had.
    """
    listening = _listen(host, port)
    server = _Server(
        uvicorn.Config(
            app,
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="warning",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=_LONGEST_GOODBYE,
        )
    )
    serving = asyncio.create_task(server.serve(sockets=[listening]), name="page")
    try:
        # It listens already: whoever comes before the server's first turn waits for it.
        ready(listening.getsockname()[1])
        await asyncio.shield(serving)
    finally:
        app.state.leaving.set()
        server.should_exit = True
        await serving
        listening.close()


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except socket.gaierror as error:
        raise UsageError(f"web.host is “{host}”, which this machine cannot find: write 127.0.0.1.") from error
    listening = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        # Two that bind at once are only told apart by the second who listens.
        listening.listen(_BACKLOG)
        listening.settimeout(0)
    except OSError as error:
        listening.close()
        raise UsageError(_why_not(error, host, port)) from error
    return listening


def _why_not(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return (
                f"Port {port} on {host} is in use by another program: stop that one, or set web.port to "
                "another port (0 takes any free one)."
            )
        case errno.EACCES:
            return f"Port {port} is not for everyone on this machine: set web.port to one above 1023."
        case errno.EADDRNOTAVAIL:
            return f"web.host is “{host}”, which is no address of this machine: write 127.0.0.1."
    return f"The page cannot be served on {host}, port {port} ({error.strerror}): set web.host and web.port."
