"""Which addresses are ordinary, and how an address of the web is read."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address

import pytest

from registry.errors import ReferenceRefused
from registry.outbound.addresses import inner, is_ordinary, is_special, read
from registry.outbound.urls import parse

ORDINARY = [
    "1.1.1.1", "8.8.8.8", "93.184.216.34", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1",
    "192.0.1.1", "198.17.255.255", "223.255.255.255", "2606:4700:4700::1111", "2a00:1450::1",
    "2001:200::1",
]  # fmt: skip
NOT = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200",
    "100.127.255.255", "127.0.0.1", "127.255.255.254", "168.63.129.16", "169.254.169.254",
    "169.254.170.2", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.0.192", "192.0.2.1",
    "192.88.99.1", "192.168.0.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "::", "::1", "::7f00:1",
    "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::a9fe:a9fe",
    "64:ff9b::808:808", "64:ff9b:1::a00:1", "100::1", "2001::1", "2001:10::1", "2001:20::1",
    "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::", "2620:4f:8000::1", "3fff::1", "4000::1",
    "5f00::1", "fc00::1", "fd00:ec2::254", "fd20:ce::254", "fe80::1", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_addresses_are(text):
    assert is_ordinary(ip_address(text))


@pytest.mark.parametrize("text", NOT)
def test_all_others_are_not(text):
    assert not is_ordinary(ip_address(text))


def test_no_address_of_a_network_that_is_not_public_is_ordinary():
    """The first, the middle and the last of each, and nothing is ordinary that Python calls private."""
    for text in ("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"):
        network = IPv4Network(text)
        for number in (0, network.num_addresses // 2, network.num_addresses - 1):
            assert not is_ordinary(network[number])
    for text in ("::/3", "4000::/2", "8000::/1", "2001::/23", "2002::/16"):
        network6 = IPv6Network(text)
        for number in (0, network6.num_addresses // 2, network6.num_addresses - 1):
            assert not is_ordinary(network6[number])


@pytest.mark.parametrize(
    ("text", "led"),
    [
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("64:ff9b::a9fe:a9fe", "169.254.169.254"),
        ("64:ff9b:1::a00:1", "10.0.0.1"),
        ("2002:7f00:1::", "127.0.0.1"),
        ("2001:0:4136:e378:8000:63bf:80ff:fffe", "127.0.0.1"),
        ("2606:4700::1", None),
        ("8.8.8.8", None),
    ],
)
def test_an_address_that_holds_another_tells_which(text, led):
    assert inner(ip_address(text)) == (ip_address(led) if led else None)


def test_an_address_of_a_link_loses_the_name_of_the_link():
    assert read("fe80::1%eth0") == ip_address("fe80::1")


@pytest.mark.parametrize(
    "text", ["169.254.169.254", "::ffff:169.254.169.254", "fe80::1", "224.0.0.1", "0.0.0.0", "fd00:ec2::254"]
)
def test_links_groups_and_metadata_are_special(text):
    assert is_special(ip_address(text))


@pytest.mark.parametrize("text", ["10.0.0.1", "127.0.0.1", "fd00::1"])
def test_private_ones_are_not(text):
    assert not is_special(ip_address(text))


@pytest.mark.parametrize(
    ("url", "origin", "path"),
    [
        ("http://Data.Example.ORG", ("http", "data.example.org", 80), "/"),
        ("HTTPS://data.example.org:8443/a?b=c#d", ("https", "data.example.org", 8443), "/a?b=c"),
        ("http://8.8.8.8/x", ("http", "8.8.8.8", 80), "/x"),
        ("http://[2606:4700::1111]:80/", ("http", "2606:4700::1111", 80), "/"),
        ("http://[2606:4700:0:0::1111]/", ("http", "2606:4700::1111", 80), "/"),
        ("http://example.org#@127.0.0.1/", ("http", "example.org", 80), "/"),
        ("http://example.org/@127.0.0.1/", ("http", "example.org", 80), "/@127.0.0.1/"),
        ("http://example.org/a b/ä?q=ü", ("http", "example.org", 80), "/a%20b/%C3%A4?q=%C3%BC"),
        ("http://example.org/%2e%2e/%252e?x=%20", ("http", "example.org", 80), "/%2e%2e/%252e?x=%20"),
        ("http://xn--bcher-kva.example/", ("http", "xn--bcher-kva.example", 80), "/"),
        ("http://a_b.example.org:/x", ("http", "a_b.example.org", 80), "/x"),
    ],
)  # fmt: skip
def test_an_address_is_taken_apart(url, origin, path):
    target = parse(url)
    assert (target.origin, target.path) == (origin, path)
    assert parse(target.url) == target


@pytest.mark.parametrize(
    "url",
    [
        "", "http", "http:", "http:/", "http://", "http:///x", "http:example.org",
        "http:/example.org/x", "//example.org", "example.org", "http://:80/", "http://example.org:x/",
        "http://example.org:99999/", "http://example.org:-1/", "http://[::1", "http://::1]/",
        "http://[::1]x/", "http://[v1.x]/", "http://[127.0.0.1]/", "http://a b/", "http://a%20b/",
        "http://exa\tmple.org/", "http://example.org/\r\nHost: x", "http://example.org\\@127.0.0.1/",
        "http:\\\\example.org/", "http://user@example.org/", "http://user:password@example.org/",
        "http://@example.org/", "http://example.org./", "http://example..org/", "http://-/",
        "http://.example.org/", "http://*.example.org/", "http://bücher.example/",
        "http://ｅxample.org/", "http://example。org/", "http://exam\u00adple.org/",
        "http://example.org\x00.evil/", "http://" + "a" * 64 + ".org/",
        "http://" + "a." * 130 + "org/", "http://example.org/" + "a" * 8192, "file:///etc/passwd",
        "gopher://example.org/", "ftp://example.org/", "javascript:alert(1)", "data:,x",
        "jar:http://x!/", "unix:///run/docker.sock", "ldap://x", "dict://x", "ws://x", "http+unix://x",
        "view-source:http://example.org", "http://1e100.example.0x7f/", "http://example.1/",
        "http://1.2.3/", "http://1.2.3.4.5/",
    ],
)  # fmt: skip
def test_what_could_be_read_in_two_ways_is_no_address(url):
    with pytest.raises(ReferenceRefused):
        parse(url)


def test_a_password_in_an_address_is_not_told_again():
    with pytest.raises(ReferenceRefused) as refused:
        parse("http://somebody:hunter2@example.org/")
    assert "hunter2" not in f"{refused.value} {refused.value.details}"
