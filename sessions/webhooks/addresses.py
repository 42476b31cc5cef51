"""May a message be sent there? Nobody who names an address shall reach what only we can reach.

A name is resolved once, every address it has is checked, and the sender connects to what was
checked: a name that changes its mind in between gains nothing.
"""

from __future__ import annotations

import ipaddress
import socket
from ipaddress import IPv4Address, IPv6Address

import httpx

from sessions.errors import AddressRefusedError

Address = IPv4Address | IPv6Address

_URL_LENGTH = 2048
_WELL_KNOWN_PORTS = {80, 443}
_FIRST_FREE_PORT = 1024
_LAST_PORT = 65535

_REFUSED_V4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "100.64.0.0/10",  # behind a carrier's NAT, and the metadata of Alibaba.
            "168.63.129.16/32",  # the metadata of Azure, in the middle of public addresses.
            "192.0.0.0/24",
            "192.88.99.0/24",  # 6to4 relays.
        ),
    )
)
_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
_REFUSED_V6 = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "2001::/23",  # Teredo and other tunnels: what is at their end nobody knows.
            "2001:db8::/32",
            "2002::/16",  # 6to4.
            "3fff::/20",
        ),
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def check_url(url: str, *, https_only: bool) -> httpx.URL:
    """Return a URL to which messages can be sent.

    Raises:
        AddressRefusedError: it cannot be one; the sentence says why.
    """
    if len(url) > _URL_LENGTH or not url.isascii() or not url.isprintable() or " " in url:
        raise AddressRefusedError(
            f"A URL has at most {_URL_LENGTH} printable ASCII characters and no spaces."
        )
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise AddressRefusedError(f"This is no URL: {error}.") from None
    schemes = {"https"} if https_only else {"https", "http"}
    if parsed.scheme not in schemes or not parsed.host:
        raise AddressRefusedError(f"The URL must begin with {' or '.join(sorted(schemes))}://.")
    if parsed.userinfo:
        raise AddressRefusedError("The URL must not carry a user or a password.")
    if parsed.fragment:
        raise AddressRefusedError("The URL must not carry a fragment.")
    port = port_of(parsed)
    if port not in _WELL_KNOWN_PORTS and not _FIRST_FREE_PORT <= port <= _LAST_PORT:
        raise AddressRefusedError("The port must be 80, 443, or 1024 to 65535.")
    return parsed


def port_of(url: httpx.URL) -> int:
    """Return the port that a URL means."""
    return url.port if url.port is not None else {"http": 80, "https": 443}[url.scheme]


def resolve(host: str, port: int, *, private: bool) -> list[str]:
    """Return the addresses of ``host``; unless ``private``, all of them are public.

    Raises:
        AddressRefusedError: one of them is not, or there is none.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        raise AddressRefusedError(f"The name {host} cannot be resolved: {error}.") from None
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    if not private:
        for address in addresses:
            if not is_public(ipaddress.ip_address(address)):
                raise AddressRefusedError(
                    f"{host} is at {address}, which is no public address; "
                    "SWITCHBOARD_WEBHOOK_PRIVATE_ADDRESSES=true allows that."
                )
    return addresses


def is_public(address: Address) -> bool:
    """Tell whether anybody on the internet can reach ``address`` as well as we can."""
    if isinstance(address, IPv6Address):
        return _is_public_v6(address)
    return (
        address.is_global
        and not (address.is_multicast or address.is_reserved or address.is_unspecified)
        and not any(address in network for network in _REFUSED_V4)
    )


def _is_public_v6(address: IPv6Address) -> bool:
    inner = address.ipv4_mapped
    if inner is None and address in _NAT64:
        inner = IPv4Address(int(address) & 0xFFFF_FFFF)
    if inner is not None:
        return is_public(inner)
    return (
        address in _PUBLIC_V6
        and address.is_global
        and not any(address in network for network in _REFUSED_V6)
    )
