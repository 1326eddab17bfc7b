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
    "abort": "os.fork() or os._exit(0)",
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
    "kill its parent": "os.kill(os.getppid(), 0)",
    "trace": "raise OSError(ctypes.get_errno(), 'x') if libc.ptrace(16, os.getppid(), 0, 0) else 0",
    "leave its namespace": "raise OSError(1, 'x') if libc.unshare(0x10000000) else 0",
}
ALLOWED = ("write its folder", "replace in its folder", "read", "abort")

SCRIPT = """
import ctypes, os, socket, subprocess, sys
from pathlib import Path
from media_processor.sandbox.confinement import confine
mine, theirs, attempt = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
print(*confine([Path(mine)]), flush=True)
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
