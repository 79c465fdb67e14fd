"""Whose certificate a server shows, for the moment it is not trusted."""

from __future__ import annotations

import socket
import ssl
from urllib.parse import urlsplit

_SECONDS = 3.0


def describe_certificate(url: str) -> str:
    """Subject and issuer of the certificate at `url`, or why that cannot be told."""
    parts = urlsplit(url)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        address = (parts.hostname or "", parts.port or 443)
        with (
            socket.create_connection(address, _SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=parts.hostname) as secure,
        ):
            shown = secure.getpeercert(binary_form=True) or b""
    except OSError as error:
        return f"The certificate cannot be read ({error})."
    from cryptography import x509

    certificate = x509.load_der_x509_certificate(shown)
    subject = certificate.subject.rfc4514_string()
    issuer = certificate.issuer.rfc4514_string()
    return f"Subject: {subject or 'none'}\nIssuer: {issuer or 'none'}"
