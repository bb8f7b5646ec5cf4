"""Headers that keep browsers from doing more with an answer than they should."""

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)
_POLICY = b"content-security-policy"
# Answers are data: a browser that is shown one as a page may load and run nothing. Pages bring their own policy.
_NOTHING = b"default-src 'none'; frame-ancestors 'none'"


def add_security_headers(headers: list[tuple[bytes, bytes]]) -> None:
    """Adds them to a response's headers; a policy that the response has already is kept."""
    headers.extend(_HEADERS)
    if not any(name == _POLICY for name, _ in headers):
        headers.append((_POLICY, _NOTHING))
