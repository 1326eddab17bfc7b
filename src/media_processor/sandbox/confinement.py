"""Confines a picture process with Linux's guards, in case a picture takes it over.

Landlock (landlock(7), Linux 5.13) keeps it from writing outside the folder it is given,
seccomp (seccomp(2)) from every system call that pictures don't need: connections, programs,
other processes, terminals. Neither can be taken off again. Elsewhere, and where the kernel lacks
them, the limits on memory and time remain.
"""

import ctypes
import errno
import os
import struct
import sys
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
_SCOPES_SINCE, _ABSTRACT_SOCKETS_AND_SIGNALS = 6, 0b11

# AUDIT_ARCH_… of linux/audit.h.
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# What Python and the libraries need, as each architecture numbers it (asm/unistd_64.h,
# asm-generic/unistd.h). What Landlock doesn't guard, such as chmod and utimensat, isn't among it.
_ALLOWED: tuple[tuple[str, int, int | None], ...] = (
    # files
    ("read", 0, 63), ("write", 1, 64), ("readv", 19, 65), ("writev", 20, 66),
    ("pread64", 17, 67), ("pwrite64", 18, 68), ("preadv", 295, 69), ("pwritev", 296, 70),
    ("lseek", 8, 62), ("close", 3, 57), ("close_range", 436, 436), ("open", 2, None),
    ("openat", 257, 56), ("openat2", 437, 437), ("creat", 85, None), ("stat", 4, None),
    ("fstat", 5, 80), ("lstat", 6, None), ("newfstatat", 262, 79), ("statx", 332, 291),
    ("statfs", 137, 43), ("fstatfs", 138, 44), ("access", 21, None), ("faccessat", 269, 48),
    ("faccessat2", 439, 439), ("getdents64", 217, 61), ("getcwd", 79, 17),
    ("readlink", 89, None), ("readlinkat", 267, 78), ("rename", 82, None),
    ("renameat", 264, 38), ("renameat2", 316, 276), ("unlink", 87, None), ("unlinkat", 263, 35),
    ("ftruncate", 77, 46), ("fsync", 74, 82), ("fdatasync", 75, 83), ("fallocate", 285, 47),
    ("fadvise64", 221, 223), ("flock", 73, 32), ("dup", 32, 23), ("dup2", 33, None),
    ("dup3", 292, 24), ("pipe", 22, None), ("pipe2", 293, 59), ("umask", 95, 166),
    ("copy_file_range", 326, 285), ("sendfile", 40, 71),
    # memory
    ("mmap", 9, 222), ("munmap", 11, 215), ("mremap", 25, 216), ("mprotect", 10, 226),
    ("madvise", 28, 233), ("mincore", 27, 232), ("brk", 12, 214), ("msync", 26, 227),
    ("memfd_create", 319, 279), ("membarrier", 324, 283), ("get_mempolicy", 239, 236),
    # threads
    ("set_tid_address", 218, 96), ("set_robust_list", 273, 99), ("get_robust_list", 274, 100),
    ("rseq", 334, 293), ("futex", 202, 98), ("sched_yield", 24, 124),
    ("sched_getaffinity", 204, 123), ("sched_getparam", 143, 121),
    ("sched_getscheduler", 145, 120), ("sched_getattr", 315, 275), ("getcpu", 309, 168),
    ("gettid", 186, 178), ("exit", 60, 93), ("exit_group", 231, 94),
    # its own signals
    ("rt_sigaction", 13, 134), ("rt_sigprocmask", 14, 135), ("rt_sigreturn", 15, 139),
    ("rt_sigpending", 127, 136), ("sigaltstack", 131, 132), ("pause", 34, None),
    ("restart_syscall", 219, 128),
    # time and waiting
    ("clock_gettime", 228, 113), ("clock_getres", 229, 114), ("clock_nanosleep", 230, 115),
    ("nanosleep", 35, 101), ("gettimeofday", 96, 169), ("time", 201, None), ("times", 100, 153),
    ("poll", 7, None), ("ppoll", 271, 73), ("select", 23, None), ("pselect6", 270, 72),
    ("epoll_create1", 291, 20), ("epoll_ctl", 233, 21), ("epoll_wait", 232, None),
    ("epoll_pwait", 281, 22), ("eventfd2", 290, 19),
    # itself
    ("getpid", 39, 172), ("getppid", 110, 173), ("getuid", 102, 174), ("geteuid", 107, 175),
    ("getgid", 104, 176), ("getegid", 108, 177), ("getgroups", 115, 158),
    ("getpgrp", 111, None), ("getrusage", 98, 165), ("getrlimit", 97, 163),
    ("setrlimit", 160, 164), ("arch_prctl", 158, None), ("uname", 63, 160),
    ("sysinfo", 99, 179), ("getrandom", 318, 278),
)  # fmt: skip

# Calls that are allowed if the low word of one argument is among some values.
_CLONE = {"x86_64": 56, "aarch64": 220}
_TGKILL = {"x86_64": 234, "aarch64": 131}
_PRLIMIT = {"x86_64": 302, "aarch64": 261}
_IOCTL, _IOCTLS = {"x86_64": 16, "aarch64": 29}, (
    0x5401, 0x5413, 0x541B, 0x5450, 0x5451,  # TCGETS, TIOCGWINSZ, FIONREAD, FIONCLEX, FIOCLEX
)  # fmt: skip
# Duplicate, flags, locks; not who gets which signal when something can be read.
_FCNTL, _FCNTLS = {"x86_64": 72, "aarch64": 25}, (0, 1, 2, 3, 4, 5, 6, 7, 1030, 1032)
# A thread's name, and names of memory; not what happens when the parent dies.
_PRCTL, _PRCTLS = {"x86_64": 157, "aarch64": 167}, (15, 16, 0x53564D41)
_CLONE_THREAD = 0x10000

# glibc makes threads by clone3, whose flags can't be checked, and by clone if it isn't there.
_CLONE3 = 435
# Calls that are newer than this list: glibc has something else in their place.
_UNKNOWN_FROM = 463

# Classic BPF (linux/bpf_common.h): load a word, jump if equal, not below, or any bit set; return.
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _IF_ANY, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL = 0x7FFF0000, 0x80000000
_EPERM, _ENOSYS = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16  # in struct seccomp_data
_X32 = 0x40000000


def confine(writable: Path) -> tuple[str, ...]:
    """Confine this process for good; returns those of GUARDS that are in force.

    Files in the folder ``writable`` can still be made, changed and removed.
    """
    if sys.platform != "linux":
        return ()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0):
        return ()
    done = (_landlock(libc, writable), _seccomp(libc))
    return tuple(guard for guard, is_done in zip(GUARDS, done, strict=True) if is_done)


def _landlock(libc: ctypes.CDLL, writable: Path) -> bool:
    version = libc.syscall(_CREATE_RULESET, None, 0, _VERSION)
    if version < 1:
        return False
    rights = _WRITING
    for since, right in _LATER:
        rights |= right if version >= since else 0
    attributes = [rights]
    if version >= _NETWORK_SINCE:
        attributes.append(_BIND_AND_CONNECT)
    if version >= _SCOPES_SINCE:
        attributes.append(_ABSTRACT_SOCKETS_AND_SIGNALS)
    rules = struct.pack(f"={len(attributes)}Q", *attributes)
    ruleset = libc.syscall(_CREATE_RULESET, rules, len(rules), 0)
    if ruleset < 0:
        return False
    allowed = rights & (_WRITE_FILE | _REMOVE_FILE | _MAKE_REG | _TRUNCATE)
    try:
        return _allow(libc, ruleset, writable, allowed) and not libc.syscall(
            _RESTRICT_SELF, ruleset, 0
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
    steps = _filter(machine)
    program = ctypes.create_string_buffer(b"".join(steps))
    header = struct.pack("@HP", len(steps), ctypes.addressof(program))
    return bool(libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header, 0, 0) == 0)


def _filter(machine: str) -> list[bytes]:
    column = list(_ARCHITECTURES).index(machine) + 1
    allowed = [number for call in _ALLOWED if isinstance(number := call[column], int)]
    own = (os.getpid(),)
    return [
        _step(_LOAD, _ARCHITECTURE_AT),
        _step(_IF_EQUAL, _ARCHITECTURES[machine], 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER_AT),
        _step(_IF_AT_LEAST, _X32, 0, 1),
        _step(_RETURN, _EPERM),
        _step(_IF_EQUAL, _CLONE3, 0, 1),
        _step(_RETURN, _ENOSYS),
        *_allow_calls(allowed),
        *_allow_if(_CLONE[machine], 0, (_CLONE_THREAD,), _IF_ANY),
        *_allow_if(_TGKILL[machine], 0, own),
        *_allow_if(_PRLIMIT[machine], 0, (0, *own)),
        *_allow_if(_IOCTL[machine], 1, _IOCTLS),
        *_allow_if(_FCNTL[machine], 1, _FCNTLS),
        *_allow_if(_PRCTL[machine], 0, _PRCTLS),
        _step(_IF_AT_LEAST, _UNKNOWN_FROM, 0, 1),
        _step(_RETURN, _ENOSYS),
        _step(_RETURN, _EPERM),
    ]


def _allow_calls(numbers: list[int]) -> list[bytes]:
    last = len(numbers) - 1
    jumps = [
        _step(_IF_EQUAL, number, last - at, 1 if at == last else 0)
        for at, number in enumerate(numbers)
    ]
    return [*jumps, _step(_RETURN, _ALLOW)]


def _allow_if(
    number: int, argument: int, values: tuple[int, ...], comparison: int = _IF_EQUAL
) -> list[bytes]:
    """Allow a call if its argument has one of the values; both architectures are little-endian."""
    checks = [_step(comparison, value, len(values) - at) for at, value in enumerate(values)]
    return [
        _step(_IF_EQUAL, number, 0, len(values) + 3),
        _step(_LOAD, _ARGUMENTS_AT + 8 * argument),
        *checks,
        _step(_RETURN, _EPERM),
        _step(_RETURN, _ALLOW),
    ]


def _step(code: int, value: int, if_so: int = 0, if_not: int = 0) -> bytes:
    # struct sock_filter
    return struct.pack("=HBBI", code, if_so, if_not, value)
