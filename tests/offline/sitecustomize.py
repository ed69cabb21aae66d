"""Put on PYTHONPATH by the tests, so that no process they start reaches the network either."""

import sys

_OUTWARD = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto", "socket.sendmsg"}


def _refuse(event: str, args: tuple[object, ...]) -> None:
    # A Unix socket's address is a path, not a tuple; it stays on this machine.
    if event in _OUTWARD and not (len(args) == 2 and isinstance(args[1], str | bytes)):
        raise RuntimeError(f"a test reached for the network: {event}{args[1:]}")


sys.addaudithook(_refuse)
