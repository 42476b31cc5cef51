"""May a message be sent there?"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest

from sessions.errors import AddressRefusedError
from sessions.webhooks.addresses import check_url, is_public, port_of, resolve


@pytest.mark.parametrize(
    "address",
    ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"],
)
def test_address_when_anybody_can_reach_it_then_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "::1", "::"),
        *("10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd12::1", "fec0::1"),
        *("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
        *("169.254.1.1", "fe80::1", "fe80::1%eth0"),
        *("224.0.0.1", "239.1.1.1", "255.255.255.255", "ff02::1", "ff0e::1"),
        *("240.0.0.1", "198.18.0.1", "192.0.2.1", "203.0.113.1", "192.88.99.1", "2001:db8::1"),
        *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "64:ff9b::7f00:1"),
        *("64:ff9b:1::808:808", "2002:7f00:1::", "2001:0:1::1", "3fff::1"),
    ],
)
def test_address_when_only_we_can_reach_it_then_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "::1"]
)
def test_name_when_it_means_this_machine_however_written_then_is_refused(host: str) -> None:
    with pytest.raises(AddressRefusedError, match=r"no public address|cannot be resolved"):
        resolve(host, 80, private=False)


def test_name_when_one_of_its_addresses_is_private_then_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def both(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", (one, 80)) for one in ("8.8.8.8", "10.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with pytest.raises(AddressRefusedError, match=r"10\.0\.0\.1"):
        resolve("both.example", 80, private=False)
    assert resolve("both.example", 80, private=True) == ["8.8.8.8", "10.0.0.1"]


def test_name_when_nobody_knows_it_then_says_so() -> None:
    with pytest.raises(AddressRefusedError, match="cannot be resolved"):
        resolve("nobody.invalid", 80, private=True)


@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("https://hooks.example/a?b=c", 443),
        ("http://hooks.example", 80),
        ("https://hooks.example:8443/", 8443),
        ("https://[2606:4700::1111]/x", 443),
    ],
)
def test_url_when_it_is_one_then_is_taken(url: str, port: int) -> None:
    assert port_of(check_url(url, https_only=False)) == port


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://hooks.example/", "must begin with"),
        ("file:///etc/passwd", "must begin with"),
        ("hooks.example", "must begin with"),
        ("https://", "must begin with"),
        ("", "must begin with"),
        ("https://ada:secret@hooks.example/", "a user or a password"),
        ("https://hooks.example/#there", "a fragment"),
        ("https://hooks.example:22/", "The port"),
        ("https://hooks.example:0/", "The port"),
        ("https://hooks.example:65536/", "The port"),
        ("https://hooks.example/a b", "printable ASCII"),
        ("https://hooks.example/\r\nX: y", "printable ASCII"),
        ("https://①②⑦.example/", "printable ASCII"),
        ("https://hooks.example/" + "x" * 2048, "at most 2048"),
        ("https://[::1", "no URL"),
    ],
)
def test_url_when_nothing_can_be_sent_there_then_is_refused(url: str, why: str) -> None:
    with pytest.raises(AddressRefusedError, match=why):
        check_url(url, https_only=False)


def test_url_when_only_https_will_do_then_http_is_refused() -> None:
    with pytest.raises(AddressRefusedError, match="https://"):
        check_url("http://hooks.example", https_only=True)
