"""Futex: sleep until another process changes a 32-bit word of shared memory, and wake who sleeps (Linux).

It keeps no count of waiters, so a reader may map the ring read-only and a killed reader leaves nothing behind: waking
is always one system call, about 0.6 us from Python when nobody sleeps. It neither reads nor writes the word itself.
"""

import ctypes
import errno
import os
import platform
import sys
from functools import partial

from vagus.core.errors import StreamError

_SYS_FUTEX = {"x86_64": 202, "aarch64": 98, "riscv64": 98}
"""Number of the system call, from the kernel's arch/*/include/**/unistd tables; all of these are 64-bit."""
_WAKE, _WAIT_BITSET = (
    ctypes.c_long(1),
    ctypes.c_long(9),
)  # <linux/futex.h>, without FUTEX_PRIVATE_FLAG: across processes
_EVERYONE = ctypes.c_long(0x7FFF_FFFF)
_ANY = ctypes.c_long(0xFFFF_FFFF)  # FUTEX_BITSET_MATCH_ANY

# Waking never blocks, so it keeps the GIL (PyDLL); sleeping gives it away (CDLL).
_syscall_held = ctypes.PyDLL(None).syscall
_syscall_held.restype = ctypes.c_long
_syscall_released = ctypes.CDLL(None, use_errno=True).syscall
_syscall_released.restype = ctypes.c_long


class _Timespec(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long))


def low_half(address_of_u64: int) -> int:
    """Return the address of the low 32 bits of a 64-bit word: the half that changes at every count."""
    return address_of_u64 + (0 if sys.byteorder == "little" else 4)


class Futex:
    """One 32-bit word at an address that stays mapped as long as this object is used."""

    __slots__ = ("_address", "_number", "_timespec", "_timespec_at", "wake")

    def __init__(self, address: int) -> None:
        """Raises StreamError on a machine whose system call number is not known."""
        machine = platform.machine()
        if sys.platform != "linux" or machine not in _SYS_FUTEX:
            raise StreamError(f"futex: got {sys.platform} on {machine}, allowed: linux on {sorted(_SYS_FUTEX)}")
        # Arguments are made once: converting Python integers costs as much as the call.
        self._number = ctypes.c_long(_SYS_FUTEX[machine])
        self._address = ctypes.c_void_p(address)
        self.wake = partial(_syscall_held, self._number, self._address, _WAKE, _EVERYONE)
        """Wakes everyone who sleeps on the word, in any process."""
        self._timespec = _Timespec()
        self._timespec_at = ctypes.c_void_p(ctypes.addressof(self._timespec))

    def wait(self, expected: int, deadline_ns: int) -> bool:
        """Sleep while the word is ``expected`` (32 bits) and nobody wakes us, until ``deadline_ns`` of CLOCK_MONOTONIC.

        Returns:
            False when the deadline passed, True on anything else: a wake, another value, a signal. Look again then.

        Raises:
            StreamError: The kernel refuses the call (a sandbox, an address that is not mapped).
        """
        self._timespec.tv_sec, self._timespec.tv_nsec = divmod(deadline_ns, 1_000_000_000)
        word = ctypes.c_long(expected)
        if _syscall_released(self._number, self._address, _WAIT_BITSET, word, self._timespec_at, None, _ANY) == 0:
            return True
        code = ctypes.get_errno()
        if code in (errno.EAGAIN, errno.EINTR):
            return True
        if code == errno.ETIMEDOUT:
            return False
        raise StreamError(
            f"futex wait: got {os.strerror(code)}, allowed: a mapped word and a kernel that permits futex"
        )
