"""Tells on a terminal how far a long run has come."""

import contextlib


@contextlib.contextmanager
def shown(stream):
    """Hands out what to call with a number and the number of all; the line that it writes is gone at the end. Elsewhere than on a terminal
    nothing is written."""
    is_shown = stream is not None and stream.isatty()

    def tell(done, total):
        if is_shown:
            stream.write(f"\rkernel-report: {done} of {total} programs are compiled")
            stream.flush()

    try:
        yield tell
    finally:
        if is_shown:
            stream.write("\r\033[K")
            stream.flush()
