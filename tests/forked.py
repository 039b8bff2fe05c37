"""`troth` commands without the time that Python takes to load them: tests run thousands.

A process that has loaded the command line forks for each command. What runs is the same as with
`python -m troth`: a process of its own with its own arguments, environment, files and exit code.
"""

import atexit
import gc
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryFile

_PATIENCE = 120
_lock = threading.Lock()
_loaded: list[socket.socket] = []


def run(
    words: Sequence[str], environment: Mapping[str, str], stdin: str
) -> subprocess.CompletedProcess[str]:
    """A command, as `subprocess.run` would run it."""
    mine, reply = socket.socketpair()
    with (
        TemporaryFile() as given,
        TemporaryFile() as out,
        TemporaryFile() as err,
        TemporaryFile() as asked,  # words may be longer than a message
        mine,
    ):
        given.write(stdin.encode())
        asked.write(json.dumps([list(words), dict(environment)]).encode())
        for file in (given, asked):
            file.flush()
            file.seek(0)
        files = [file.fileno() for file in (given, out, err, asked, reply)]
        with reply:
            socket.send_fds(_parent(), [b"?"], files)
        mine.settimeout(_PATIENCE)
        status = mine.recv(16)
        assert status, f"troth {' '.join(words)}: the process was lost"
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(
            list(words), int(status), out.read().decode(), err.read().decode()
        )


def _parent() -> socket.socket:
    """Where commands are asked for; the process behind it ends with this one."""
    with _lock:
        if not _loaded:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.forked", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                cwd=Path(__file__).parents[1],
            )
            theirs.close()
            _loaded.append(ours)
            atexit.register(_end, ours, process)
        return _loaded[0]


def _end(asking: socket.socket, process: subprocess.Popen[bytes]) -> None:
    asking.close()
    process.wait(_PATIENCE)


def _serve(asking: socket.socket) -> None:
    """Fork for each command until nobody asks any more."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for these children
    while True:
        asked, files, _, _ = socket.recv_fds(asking, 1, 5)
        if not asked:
            return
        if os.fork() == 0:
            asking.close()
            _tell(files)
        for file in files:
            os.close(file)


def _tell(files: list[int]) -> None:
    """In a process of its own: let another run the command, and say what became of it."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    pid = os.fork()
    if pid == 0:
        _command(files)
    _, status = os.waitpid(pid, 0)
    os.write(files[4], str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _command(files: list[int]) -> None:
    with os.fdopen(files[3], closefd=False) as asked:
        words, environment = json.load(asked)
    for number, file in enumerate(files[:3]):
        os.dup2(file, number)
    for file in files:
        os.close(file)
    os.environ.clear()
    os.environ.update(environment)
    code = 1
    try:
        main(words)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException as error:
        sys.excepthook(type(error), error, error.__traceback__)
    else:
        code = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def main(words: Sequence[str]) -> None:
    import troth.cli

    sys.argv = ["troth", *words]
    troth.cli.main()


def _load() -> None:
    """Everything that a command may import."""
    import pkgutil
    from importlib import import_module

    import troth

    for module in pkgutil.walk_packages(troth.__path__, "troth."):
        if not module.name.startswith(("troth.demo", "troth.__main__", "troth.worker")):
            import_module(module.name)
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    _load()
    _serve(socket.socket(fileno=int(sys.argv[1])))
