"""Finds out beforehand whether enough files may be open: Triton says of too few that a port is in use."""

import resource

from embedded_triton.errors import ServerStartError

#: Triton with its backends holds about 100, and each client connection one more.
LEAST, WANTED = 512, 4096


def raise_open_files() -> None:
    """Raise this process's limit of open files, and so that of all that it starts, as far as the system lets it.

    Raises:
        ServerStartError: it stays under what the server needs.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    infinite = resource.RLIM_INFINITY
    if soft != infinite and soft < WANTED:
        soft = WANTED if hard == infinite else min(WANTED, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft != infinite and soft < LEAST:
        raise ServerStartError(
            f"This process may open {soft} files, and the server needs {LEAST}.",
            f"Raise the limit where it is set: `ulimit -n {WANTED}`, LimitNOFILE= of systemd, or --ulimit of Docker.",
        )
