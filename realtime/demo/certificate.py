"""A self-signed certificate for the demo: phones give a page their position only over HTTPS.

python -m realtime.demo.certificate FOLDER HOST,... makes FOLDER/tls.crt and tls.key where nobody has put others there.
"""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

DAYS = 397  # browsers refuse certificates that are valid for longer
OURS = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Sightline demo")])


def certificate(folder: Path, hosts: Sequence[str], now: dt.datetime, name: str = "demo") -> tuple[Path, Path]:
    """(certificate, key) as PEM files; made when there are none, for other hosts, or near the old ones' end."""
    cert_file, key_file = folder / f"{name}.crt", folder / f"{name}.key"
    if not (cert_file.exists() and key_file.exists() and _still_good(cert_file, hosts, now)):
        folder.mkdir(parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        _write_private(
            key_file,
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )
        cert_file.write_bytes(_sign(key, hosts, now).public_bytes(serialization.Encoding.PEM))
    return cert_file, key_file


def _sign(key: ec.EllipticCurvePrivateKey, hosts: Sequence[str], now: dt.datetime) -> x509.Certificate:
    return (
        x509.CertificateBuilder()
        .subject_name(OURS)
        .issuer_name(OURS)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=DAYS - 1))
        .add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _still_good(cert_file: Path, hosts: Sequence[str], now: dt.datetime) -> bool:
    try:
        found = x509.load_pem_x509_certificate(cert_file.read_bytes())
        names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (ValueError, x509.ExtensionNotFound):
        return False
    soon = now + dt.timedelta(days=7)
    return set(names) >= {_general_name(host) for host in hosts} and found.not_valid_after_utc > soon


def _write_private(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _is_foreign(cert_file: Path) -> bool:
    """Whether somebody put a certificate there that is not of our making."""
    if not cert_file.exists():
        return False
    try:
        return x509.load_pem_x509_certificate(cert_file.read_bytes()).issuer != OURS
    except ValueError:
        return True


def main(arguments: Sequence[str]) -> str:
    """Returns what was done, in a sentence."""
    if len(arguments) != 2:
        sys.exit("usage: python -m realtime.demo.certificate FOLDER HOST,...")
    folder, hosts = Path(arguments[0]), [host.strip("[]") for host in arguments[1].split(",") if host]
    if _is_foreign(folder / "tls.crt"):
        return f"{folder / 'tls.crt'} is not of our making: it stays."
    made, _ = certificate(folder, hosts, dt.datetime.now(dt.UTC), "tls")
    return f"{made} is self-signed, for {', '.join(hosts)}: browsers will ask. Put your own there, with tls.key."


if __name__ == "__main__":
    print(main(sys.argv[1:]))
