"""Plain HTTP to our own servers on this machine."""

import ssl

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
