"""Which addresses are public."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modules.foundation.addresses import embedded, is_public

PRIVATE = (
    "127.0.0.1",
    "10.0.0.1",
    "192.168.1.1",
    "172.31.0.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
)


def dressed(inner: str) -> list[str]:
    """An IPv4 address in every IPv6 form that leads to it."""
    bits = int(ipaddress.IPv4Address(inner))
    high, low = bits >> 16, bits & 0xFFFF
    return [
        f"::{inner}",
        f"::ffff:{inner}",
        f"::ffff:0:{inner}",
        f"64:ff9b::{inner}",
        f"64:ff9b:1::{inner}",
        f"2002:{high:x}:{low:x}::1",
        f"2001:0:5db8:d822:8000:63bf:{high ^ 0xFFFF:x}:{low ^ 0xFFFF:x}",
        f"2001:0:{high:x}:{low:x}:8000:63bf:a247:28dd",
        f"2a00:1450:4001:81b:0:5efe:{high:x}:{low:x}",
        f"2a00:1450:4001:81b:200:5efe:{high:x}:{low:x}",
    ]


@pytest.mark.parametrize("inner", PRIVATE)
def test_a_private_address_is_private_in_whatever_form(inner: str) -> None:
    assert not is_public(inner)
    for form in dressed(inner):
        assert not is_public(form), form
        assert not is_public(ipaddress.ip_address(form).exploded)


def test_a_public_one_stays_public_where_the_form_leads_there() -> None:
    for form in ("93.184.216.34", "2a00:1450:4001:81b::200e", "64:ff9b::93.184.216.34", "2002:5db8:d822::1"):
        assert is_public(form), form


@pytest.mark.parametrize(
    "address",
    [
        "::",
        "::1",
        "fe80::1",
        "fe80::1%eth0",
        "2a00:1450:4001:81b::200e%eth0",
        "fc00::1",
        "fd12:3456::1",
        "fec0::1",
        "ff02::1",
        "100::1",
        "2001:db8::1",
        "64:ff9b:1::5db8:d822",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.2.1",
        "198.18.0.1",
    ],
)
def test_what_is_not_routed_through_the_internet_is_not_public(address: str) -> None:
    assert not is_public(address)


@given(st.ip_addresses(v=6))
def test_no_address_is_more_public_than_what_it_holds(address: ipaddress.IPv6Address) -> None:
    inner = list(embedded(address))
    if is_public(str(address)):
        assert all(is_public(str(each)) for each in inner)
        assert not (address.is_private and not inner) or address in ipaddress.ip_network("2001::/32")
        assert not address.is_multicast
