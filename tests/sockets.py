"""A plugin for `pytest --nbmake`: kernels talk over sockets in a directory, and not over ports, which anybody may take
in the moment between choosing and using them.
"""

import tempfile
from functools import partial

import nbmake.nb_run
from traitlets.config import Config

_directory = tempfile.TemporaryDirectory()
_config = Config(KernelManager={"transport": "ipc", "ip": f"{_directory.name}/kernel"})
nbmake.nb_run.NotebookClient = partial(nbmake.nb_run.NotebookClient, config=_config)  # type: ignore[assignment, misc]
