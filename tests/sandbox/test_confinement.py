"""What a process that a picture has taken over could still do."""

import subprocess
import sys
from pathlib import Path

import pytest

from media_processor.sandbox.confinement import GUARDS

# Each tries one thing, in a process that is confined to the folder in argv[1].
TRIES = {
    "write its folder": "open(mine + '/new', 'w').write('x')",
    "replace in its folder": "open(mine + '/a', 'w'); os.replace(mine + '/a', mine + '/b')",
    "read": "open(theirs + '/there').read()",
    "start a thread": "t = threading.Thread(target=print); t.start(); t.join()",
    "limit itself": "resource.setrlimit(resource.RLIMIT_CORE, (0, 0))",
    "signal itself": "signal.signal(10, lambda *_: None); signal.raise_signal(10)",
    "write elsewhere": "open(theirs + '/new', 'w')",
    "truncate elsewhere": "os.truncate(theirs + '/there', 0)",
    "remove elsewhere": "os.unlink(theirs + '/there')",
    "make a folder elsewhere": "os.mkdir(theirs + '/folder')",
    "link elsewhere": "os.symlink('/', theirs + '/link')",
    "move away": "os.rename(theirs + '/there', mine + '/there')",
    "open a TCP connection": "socket.create_connection(('127.0.0.1', 9), 1)",
    "send a datagram": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
    "open a unix socket": "socket.socket(socket.AF_UNIX)",
    "start a program": "os.execv('/bin/true', ['true'])",
    "start a shell": "subprocess.run(['/bin/true'], check=True)",
    "make a process": "os.fork()",
    "kill its parent": "os.kill(os.getppid(), 0)",
    "kill a thread of its parent": "call(234, parent, parent, 0)",
    "send its parent a signal with a value": (
        "call(129, parent, 0, struct.pack('3i116x', 0, 0, -1))"
    ),
    "be sent for by a file": "fcntl.fcntl(0, fcntl.F_SETOWN, parent)",
    "limit its parent": "resource.prlimit(parent, resource.RLIMIT_NOFILE)",
    "make its own executable": "os.chmod(mine, 0o777)",
    "make theirs secret": "os.chmod(theirs + '/there', 0)",
    "date theirs back": "os.utime(theirs + '/there', (0, 0))",
    "type into a terminal": "fcntl.ioctl(0, termios.TIOCSTI, b'x')",
    "leave its session": "os.setsid()",
    "outlive its parent": "call(157, 1, 0, 0, 0, 0)",
    "trace": "raise OSError(ctypes.get_errno(), 'x') if libc.ptrace(16, os.getppid(), 0, 0) else 0",
    "leave its namespace": "raise OSError(1, 'x') if libc.unshare(0x10000000) else 0",
}
ALLOWED = (
    "write its folder",
    "replace in its folder",
    "read",
    "start a thread",
    "limit itself",
    "signal itself",
)

SCRIPT = """
import ctypes, fcntl, os, resource, signal, socket, struct, subprocess, sys, termios, threading
from pathlib import Path
from media_processor.sandbox.confinement import confine
mine, theirs, attempt = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
parent = os.getppid()
def call(*arguments):
    if libc.syscall(*arguments) < 0:
        raise OSError(ctypes.get_errno(), "x")
print(*confine(Path(mine)), flush=True)
try:
    exec(attempt)
except OSError as error:
    sys.exit(type(error).__name__)
"""


def attempt(folder: Path, code: str) -> subprocess.CompletedProcess[str]:
    mine, theirs = folder / "mine", folder / "theirs"
    mine.mkdir()
    theirs.mkdir()
    (theirs / "there").write_text("there")
    return subprocess.run(
        [sys.executable, "-c", SCRIPT, str(mine), str(theirs), code],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@pytest.mark.parametrize("name", TRIES)
def test_what_a_confined_process_can_do(name: str, tmp_path: Path) -> None:
    done = attempt(tmp_path, TRIES[name])
    if tuple(done.stdout.split()) != GUARDS:
        pytest.skip("this kernel lacks a guard")
    if name in ALLOWED:
        assert done.returncode == 0, done.stderr
    else:
        assert done.stderr.strip() == "PermissionError", (done.returncode, done.stderr)
        assert [path.name for path in (tmp_path / "theirs").iterdir()] == ["there"]
        assert (tmp_path / "theirs" / "there").read_text() == "there"
