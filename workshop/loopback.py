"""Plain HTTP to our own servers on this machine."""

import ssl
from collections.abc import Callable
from typing import Any, Literal

import httpx

# Reading the certificates that HTTPS needs takes longer than a request.
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def client(url: str = "", timeout: float = 5) -> httpx.Client:
    """A client that no proxy of the environment stands before; `timeout` in seconds."""
    return httpx.Client(base_url=url, timeout=timeout, trust_env=False, verify=NO_TLS)


def answers(url: str) -> bool:
    """Whether what is asked for there is answered with 200."""
    try:
        with client() as http:
            return http.get(url).status_code == 200
    except httpx.HTTPError:
        return False


def who(
    url: str, is_right: Callable[[dict[str, Any]], bool], timeout: float = 5
) -> Literal["nobody", "silent", "other", "right"]:
    """Who answers GET there with JSON; `timeout` in seconds."""
    try:
        with client(timeout=timeout) as http:
            found = http.get(url).json()
    except httpx.ConnectError:
        return "nobody"
    except httpx.TimeoutException:
        return "silent"
    except (httpx.HTTPError, ValueError):
        return "other"
    return "right" if isinstance(found, dict) and is_right(found) else "other"
