"""What `pip config list` says of the network, as `export` lines; not where else pip is to install."""

import ast
import shlex
import sys

NETWORK = ("index-url", "extra-index-url", "find-links", "no-index", "trusted-host", "proxy", "cert", "client-cert")
SECTIONS = ("global", "install", ":env:")  # the later wins

settings = dict(line.rstrip("\n").split("=", 1) for line in sys.stdin if "=" in line)
for section in SECTIONS:
    for name in NETWORK:
        if value := settings.get(f"{section}.{name}"):
            print(f"export PIP_{name.upper().replace('-', '_')}={shlex.quote(ast.literal_eval(value))}")
