"""Requests that nobody waits for any more."""

import asyncio
import socket
from typing import Final

_TCP_INFO: Final = getattr(socket, "TCP_INFO", None)  # Linux
_CLOSE_WAIT: Final = 8


def abandoned(transport: asyncio.BaseTransport) -> bool:
    """Whether the other end closed before its request was begun: it has asked again elsewhere.

    A process that was held up finds such requests when it goes on. To refresh with a token whose
    successor has been used meanwhile is a replay, and would end a grant that its owner still uses.
    """
    sock = transport.get_extra_info("socket")
    if _TCP_INFO is None or sock is None:
        return False
    try:
        return bool(sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, 1)[0] == _CLOSE_WAIT)
    except OSError:  # not TCP
        return False
