"""Confines a picture process with Linux's guards, in case a picture takes it over.

Landlock (landlock(7), Linux 5.13) keeps it from writing outside the folders it is given,
seccomp (seccomp(2)) from opening connections, starting programs and touching other
processes. Neither can be taken off again. Elsewhere, and where the kernel lacks them, the
limits on memory and time remain.
"""

import ctypes
import os
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

GUARDS = ("landlock", "seccomp")

_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_VERSION, _PATH_BENEATH = 1, 1

# Rights of landlock(7), as bits; those from the second on came with a later version.
_WRITE_FILE, _REMOVE_FILE, _MAKE_REG = 1 << 1, 1 << 5, 1 << 8
_WRITING = _WRITE_FILE | 1 << 4 | _REMOVE_FILE | 1 << 6 | 1 << 7 | _MAKE_REG | 0b1111 << 9
_LATER = ((2, 1 << 13), (3, 1 << 14), (5, 1 << 15))  # REFER, TRUNCATE, IOCTL_DEV
_TRUNCATE = 1 << 14
_NETWORK_SINCE, _BIND_AND_CONNECT = 4, 0b11

# AUDIT_ARCH_… of linux/audit.h, and the numbers of what is refused there.
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_REFUSED: dict[str, dict[str, tuple[int, ...]]] = {
    # socket, socketpair, connect, accept, sendto, sendmsg, bind, listen, accept4
    "network": {"x86_64": (41, 53, 42, 43, 44, 46, 49, 50, 288),
                "aarch64": (198, 199, 203, 202, 206, 211, 200, 201, 242)},
    # execve, execveat
    "programs": {"x86_64": (59, 322), "aarch64": (221, 281)},
    # kill, tkill, ptrace, process_vm_readv and _writev, pidfd_send_signal, pidfd_getfd
    "other processes": {"x86_64": (62, 200, 101, 310, 311, 424, 438),
                        "aarch64": (129, 130, 117, 270, 271, 424, 438)},
    # mount, umount2, unshare, setns, bpf, io_uring_setup, keyctl, perf_event_open,
    # userfaultfd, open_by_handle_at
    "the kernel": {"x86_64": (165, 166, 272, 308, 321, 425, 250, 298, 323, 304),
                   "aarch64": (40, 39, 97, 268, 280, 425, 219, 241, 282, 265)},
}  # fmt: skip

# Classic BPF (linux/bpf_common.h): load a word, jump if equal or not below, return.
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_ALLOW, _REFUSE_WITH_EPERM, _KILL = 0x7FFF0000, 0x00050001, 0x80000000
_NUMBER_AT, _ARCHITECTURE_AT = 0, 4  # in struct seccomp_data
_X32 = 0x40000000


def confine(writable: Iterable[Path]) -> tuple[str, ...]:
    """Confine this process for good; returns those of GUARDS that are in force.

    Files in the folders ``writable`` can still be made, changed and removed.
    """
    if sys.platform != "linux":
        return ()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return ()
    done = (_landlock(libc, writable), _seccomp(libc))
    return tuple(guard for guard, is_done in zip(GUARDS, done, strict=True) if is_done)


def _landlock(libc: ctypes.CDLL, writable: Iterable[Path]) -> bool:
    version = libc.syscall(_CREATE_RULESET, None, 0, _VERSION)
    if version < 1:
        return False
    rights = _WRITING
    for since, right in _LATER:
        rights |= right if version >= since else 0
    has_network = version >= _NETWORK_SINCE
    rules = (
        struct.pack("=QQ", rights, _BIND_AND_CONNECT) if has_network else struct.pack("=Q", rights)
    )
    ruleset = libc.syscall(_CREATE_RULESET, rules, len(rules), 0)
    if ruleset < 0:
        return False
    allowed = rights & (_WRITE_FILE | _REMOVE_FILE | _MAKE_REG | _TRUNCATE)
    try:
        return all(_allow(libc, ruleset, folder, allowed) for folder in writable) and not (
            libc.syscall(_RESTRICT_SELF, ruleset, 0)
        )
    finally:
        os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, folder: Path, rights: int) -> bool:
    beneath = os.open(folder, os.O_PATH | os.O_CLOEXEC)
    try:
        rule = struct.pack("=Qi", rights, beneath)
        return bool(libc.syscall(_ADD_RULE, ruleset, _PATH_BENEATH, rule, 0) == 0)
    finally:
        os.close(beneath)


def _seccomp(libc: ctypes.CDLL) -> bool:
    machine = os.uname().machine
    if machine not in _ARCHITECTURES:
        return False
    refused = [number for calls in _REFUSED.values() for number in calls[machine]]
    steps = [
        _step(_LOAD, _ARCHITECTURE_AT),
        _step(_IF_EQUAL, _ARCHITECTURES[machine], 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER_AT),
        _step(_IF_AT_LEAST, _X32, len(refused), 0),
        *(_step(_IF_EQUAL, number, len(refused) - at, 0) for at, number in enumerate(refused)),
    ]
    # The jumps above lead to the last step, everything else to the one before.
    steps += [_step(_RETURN, _ALLOW), _step(_RETURN, _REFUSE_WITH_EPERM)]
    program = ctypes.create_string_buffer(b"".join(steps))
    header = struct.pack("@HP", len(steps), ctypes.addressof(program))
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header, 0, 0) == 0)


def _step(code: int, value: int, if_so: int = 0, if_not: int = 0) -> bytes:
    # struct sock_filter
    return struct.pack("=HBBI", code, if_so, if_not, value)
