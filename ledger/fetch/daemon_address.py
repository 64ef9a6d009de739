"""Where an IPFS daemon's RPC API is: a multiaddr, as its operator writes it."""

from yarl import URL

from ledger.errors import UsageError

_EXAMPLE = "write it like /ip4/127.0.0.1/tcp/5001 or /dns4/ipfs.example.org/tcp/443/https"


def parse_daemon_api(api: str) -> URL:
    """The base URL of a daemon's /api/v0, for a multiaddr such as /ip4/127.0.0.1/tcp/5001. Raises UsageError."""
    # Imported here: few have a daemon, and the library takes its time to load.
    from ipfshttpclient.exceptions import AddressError
    from ipfshttpclient.http_common import multiaddr_to_url_data

    try:
        url, unix_path, _, _ = multiaddr_to_url_data(api, "api/v0")
    except AddressError as error:
        raise UsageError(f"{api[:80]!r} is no daemon's multiaddr: {_EXAMPLE}") from error
    if unix_path:
        raise UsageError(f"{api[:80]!r} is a Unix socket: give the daemon's TCP address")
    return URL(url)
