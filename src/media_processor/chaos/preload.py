"""Faults of the operating system, put between a process and its C library.

A small library, compiled where it is used and loaded by LD_PRELOAD: while the file named
by CHAOS_NO_SYNC exists, fsync and fdatasync fail with EIO; CHAOS_CLOCK shifts the wall
clock by so many seconds.
"""

import shutil
import subprocess
from pathlib import Path

_SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int broken(void) {
    const char *file = getenv("CHAOS_NO_SYNC");
    return file && access(file, F_OK) == 0;
}
static long shift(void) {
    const char *seconds = getenv("CHAOS_CLOCK");
    return seconds ? atol(seconds) : 0;
}
int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    if (broken()) { errno = EIO; return -1; }
    return real(fd);
}
int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    if (broken()) { errno = EIO; return -1; }
    return real(fd);
}
int clock_gettime(clockid_t clock, struct timespec *at) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = (int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
    int result = real(clock, at);
    if (result == 0 && clock == CLOCK_REALTIME) at->tv_sec += shift();
    return result;
}
time_t time(time_t *at) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (at) *at = now.tv_sec;
    return now.tv_sec;
}
int gettimeofday(struct timeval *at, void *zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    at->tv_sec = now.tv_sec;
    at->tv_usec = now.tv_nsec / 1000;
    return 0;
}
"""


def can_compile() -> bool:
    return shutil.which("cc") is not None


def preload(folder: Path) -> Path:
    source, library = folder / "chaos.c", folder / "chaos.so"
    source.write_text(_SOURCE)
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"], check=True
    )
    return library
