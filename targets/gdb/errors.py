"""What can go wrong with a GDB server; each is a RunError, so that a run fails with its words."""

from __future__ import annotations

from core.errors import RunError


class GdbError(RunError):
    """A GDB server, or what stands behind it, did not do what was asked."""


class PeerGone(GdbError):
    """The connection cannot be made, or was closed by the other side."""


class PeerSilent(GdbError):
    """No answer within the time that was given."""


class PeerNonsense(GdbError):
    """An answer that the protocol does not have: broken framing, a wrong checksum again and again, text for a number."""


class PeerRefused(GdbError):
    """The server knows the request and says no, or does not know it."""


class StillRunning(GdbError):
    """The program did not stop within the time that was given; it has been interrupted, and stands still now."""
