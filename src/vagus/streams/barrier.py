"""Memory barriers: what a sequence lock needs on processors that reorder stores or loads. It locks nothing.

x86-64 keeps stores in order and loads in order, which is all that a ring asks (Intel SDM vol. 3A, 9.2.2), and NumPy and
``memoryview`` store an aligned 8-byte word in one instruction. Elsewhere the C11 fence of GCC's libatomic is called.
"""

import ctypes
from collections.abc import Callable

from vagus.core.errors import StreamError

_IN_ORDER = frozenset({"x86_64", "AMD64", "i686"})
_SEQ_CST = ctypes.c_int(5)  # memory_order_seq_cst, <stdatomic.h>

Fence = Callable[[], None]


def load_fence(machine: str, library: str = "libatomic.so.1") -> Fence | None:
    """Return the barrier that ``machine`` (as ``platform.machine()`` says it) needs; None where it needs none.

    Raises:
        StreamError: The machine needs one and the library is not installed.
    """
    if machine in _IN_ORDER:
        return None
    try:
        atomic_thread_fence = ctypes.PyDLL(library).atomic_thread_fence
    except (OSError, AttributeError) as exc:
        raise StreamError(
            f"a {machine} processor needs memory barriers, and {library} has none ({exc}); "
            "install Debian's package libatomic1 (Fedora: libatomic)"
        ) from exc
    atomic_thread_fence.restype = None

    def fence() -> None:
        atomic_thread_fence(_SEQ_CST)

    return fence
