"""The system calls that confined code is refused, as a filter for the kernel."""

import ctypes
import os
import platform
import struct

# By architecture: its number in the kernel's audit, what is refused, and what a process
# may ask for itself alone. Each would look into another process or slow it down, make
# a new world of users with rights of its own, or hold memory that no limit counts or
# that outlives the process.
_ARCHITECTURES: dict[str, tuple[int, dict[str, int], dict[str, int]]] = {
    "x86_64": (
        0xC000003E,
        {
            "add_key": 248,
            "bpf": 321,
            "io_uring_enter": 426,
            "io_uring_register": 427,
            "io_uring_setup": 425,
            "ioprio_set": 251,
            "keyctl": 250,
            "memfd_create": 319,
            "memfd_secret": 447,
            "mount": 165,
            "mq_open": 240,
            "msgget": 68,
            "open_by_handle_at": 304,
            "perf_event_open": 298,
            "pidfd_getfd": 438,
            "pivot_root": 155,
            "process_vm_readv": 310,
            "process_vm_writev": 311,
            "ptrace": 101,
            "request_key": 249,
            "semget": 64,
            "setns": 308,
            "setpriority": 141,
            "shmget": 29,
            "umount2": 166,
            "unshare": 272,
            "userfaultfd": 323,
        },
        {
            "prlimit64": 302,
            "sched_setaffinity": 203,
            "sched_setattr": 314,
            "sched_setparam": 142,
            "sched_setscheduler": 144,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "add_key": 217,
            "bpf": 280,
            "io_uring_enter": 426,
            "io_uring_register": 427,
            "io_uring_setup": 425,
            "ioprio_set": 30,
            "keyctl": 219,
            "memfd_create": 279,
            "memfd_secret": 447,
            "mount": 40,
            "mq_open": 180,
            "msgget": 186,
            "open_by_handle_at": 265,
            "perf_event_open": 241,
            "pidfd_getfd": 438,
            "pivot_root": 41,
            "process_vm_readv": 270,
            "process_vm_writev": 271,
            "ptrace": 117,
            "request_key": 218,
            "semget": 190,
            "setns": 268,
            "setpriority": 140,
            "shmget": 194,
            "umount2": 39,
            "unshare": 97,
            "userfaultfd": 282,
        },
        {
            "prlimit64": 261,
            "sched_setaffinity": 122,
            "sched_setattr": 274,
            "sched_setparam": 118,
            "sched_setscheduler": 119,
        },
    ),
}
_CLONE = {"x86_64": 56, "aarch64": 220}
_FORKS = {"x86_64": (57, 58), "aarch64": ()}  # fork and vfork
_CLONE3 = 435
_OTHER_CALLS = 0x40000000  # of x86_64: the same calls under numbers from here on
_NEW_USERS = 0x10000000  # CLONE_NEWUSER
_THREAD = 0x00010000  # CLONE_THREAD
_NO_NEW_RIGHTS, _SET_FILTER, _BY_PROGRAM = 38, 22, 2  # of prctl

# Of the kernel's filter machine: load a word, jump if equal, if greater, if a bit is
# set, and return.
_LOAD, _EQUAL, _GREATER, _BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # places in the call's data
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000
_EPERM, _ENOSYS = 1, 38


def is_known() -> bool:
    """Tell whether there is a filter for this processor."""
    return platform.machine() in _ARCHITECTURES


def filter_program(machine: str) -> bytes:
    """Return the filter for a processor, in the kernel's form.

    `clone3` seems not to exist, since a filter can't see what it is asked for; the
    system's library then takes `clone`.

    >>> len(filter_program("x86_64")) % 8
    0

    Raises:
        KeyError: there is none for this processor.
    """
    architecture, refused, for_itself = _ARCHITECTURES[machine]
    lines = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, architecture),
        (_RETURN, 0, 0, _REFUSE | _EPERM),
        (_LOAD, 0, 0, _NUMBER),
        (_GREATER, 0, 1, _OTHER_CALLS),
        (_RETURN, 0, 0, _REFUSE | _EPERM),
        (_EQUAL, 0, 1, _CLONE3),
        (_RETURN, 0, 0, _REFUSE | _ENOSYS),
    ]
    for number in refused.values():
        lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE | _EPERM)]
    for number in for_itself.values():  # the first argument: a process, 0 for itself
        lines += [(_EQUAL, 0, 4, number), (_LOAD, 0, 0, _FIRST_ARGUMENT)]
        lines += [(_EQUAL, 1, 0, 0), (_RETURN, 0, 0, _REFUSE | _EPERM)]
        lines += [(_RETURN, 0, 0, _ALLOW)]
    lines += [
        (_EQUAL, 0, 3, _CLONE[machine]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_BIT, 0, 1, _NEW_USERS),
        (_RETURN, 0, 0, _REFUSE | _EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return _packed(lines)


def lone_program(machine: str) -> bytes:
    """Return the filter that refuses new processes, beside the one that is there.

    >>> len(lone_program("x86_64")) > len(lone_program("aarch64"))
    True

    Raises:
        KeyError: there is none for this processor.
    """
    lines = [(_LOAD, 0, 0, _NUMBER)]
    for number in _FORKS[machine]:
        lines += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE | _EPERM)]
    lines += [
        (_EQUAL, 0, 3, _CLONE[machine]),
        (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (_BIT, 1, 0, _THREAD),
        (_RETURN, 0, 0, _REFUSE | _EPERM),
        (_RETURN, 0, 0, _ALLOW),
    ]
    return _packed(lines)


def _packed(lines: list[tuple[int, int, int, int]]) -> bytes:
    return b"".join(struct.pack("=HBBI", *line) for line in lines)


class _Program(ctypes.Structure):
    """A filter as the kernel takes it: how many lines, and where they are."""

    _fields_ = (("length", ctypes.c_ushort), ("lines", ctypes.c_char_p))


def forbid_processes() -> None:
    """Refuse this process, from now on, to start others; threads it may start.

    Raises:
        OSError: the kernel does not take the filter.
        KeyError: there is none for this processor.
    """
    text = lone_program(platform.machine())
    program = _Program(len(text) // 8, text)
    library = ctypes.CDLL(None, use_errno=True)
    zero = ctypes.c_ulong(0)
    asked = (
        (_NO_NEW_RIGHTS, ctypes.c_ulong(1), zero, zero, zero),
        (_SET_FILTER, ctypes.c_ulong(_BY_PROGRAM), ctypes.byref(program), zero, zero),
    )
    for arguments in asked:
        if library.prctl(*arguments):
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))


def open_filter() -> int:
    """Return a descriptor that this processor's filter can be read from."""
    reader, writer = os.pipe()
    os.write(writer, filter_program(platform.machine()))
    os.close(writer)
    return reader
