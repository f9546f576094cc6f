"""Forbids system calls to a program, for others here to import."""

import ctypes
import struct

EPERM = 1


def forbid(*system_calls, every_thread=False):
    """A seccomp filter that answers EPERM to these (x86-64; seccomp(2), linux/filter.h)."""
    load, equal, answer = 0x20, 0x15, 0x06
    steps = [(load, 0, 0, 0)]  # offsetof(struct seccomp_data, nr)
    for number in system_calls:
        steps += [(equal, 0, 1, number), (answer, 0, 0, 0x0005_0000 | EPERM)]
    steps.append((answer, 0, 0, 0x7FFF_0000))
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    header = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(steps), ctypes.addressof(program)))
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, seccomp, filter_mode, synchronise = 38, 317, 1, 1
    assert libc.prctl(no_new_privileges, 1, 0, 0, 0) == 0
    assert libc.syscall(seccomp, filter_mode, synchronise if every_thread else 0, header) == 0, (
        ctypes.get_errno()
    )
