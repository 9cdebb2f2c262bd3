"""The Makefile: what set-up does, once, again and after an accident. Installers are stand-ins that write down what
they are asked; the real ones run whenever anybody says `make test`."""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from workshop.settings import ROOT

PROGRAMS = ("make", "sh", "sed", "printf", "echo", "test", "cat", "cp", "rm", "pwd", "mkdir", "touch", "grep")
TARGETS = ["help", "workshop", "test", "demo", "bench", "set-up", "notebooks", "pictures", "lock", "clean"]
# Plays uv: makes a .venv out of PYTHON, and fails to install while the file $FAILS is there.
UV = """#!/bin/sh
echo "uv $*" >> "$CALLS"
case "$1 $2" in
  venv*) mkdir -p .venv/bin && cp "$PYTHON_SCRIPT" .venv/bin/python ;;
  "pip install") test ! -e "$FAILS" ;;
esac
"""
# Plays Python: is the one that runs the tests, but never runs a module (pip, venv), which would really install.
PYTHON = f"""#!/bin/sh
case " $* " in
  *" -m "*) echo "python $*" >> "$CALLS"; test -e "$PIP_WORKS"; exit ;;
esac
exec "{sys.executable}" "$@"
"""


class Checkout:
    """A copy of what `make set-up` reads, in a directory with a space in its name, and a PATH of its own."""

    def __init__(self, tmp_path: Path) -> None:
        self.root = tmp_path / "my checkout"
        self.root.mkdir()
        (self.root / "tools").mkdir()
        for name in ("Makefile", "pyproject.toml", "requirements.lock", ".env.example", "tools/pip_network.py"):
            shutil.copy(ROOT / name, self.root / name)
        self.programs = tmp_path / "programs"
        self.programs.mkdir()
        self.calls = tmp_path / "calls"
        self.fails = tmp_path / "uv fails"
        self.pip_works = tmp_path / "pip works"
        for name in PROGRAMS:
            if found := shutil.which(name):
                (self.programs / name).symlink_to(found)
        self.program("python", PYTHON)

    def program(self, name: str, script: str) -> None:
        path = self.programs / name
        path.write_text(script)
        path.chmod(0o755)

    def make(self, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
        env = {
            **more,
            "PATH": str(self.programs),
            "HOME": str(self.root.parent),
            "CALLS": str(self.calls),
            "FAILS": str(self.fails),
            "PIP_WORKS": str(self.pip_works),
            "PYTHON_SCRIPT": str(self.programs / "python"),
        }
        return subprocess.run(["make", *words], cwd=self.root, env=env, capture_output=True, text=True)

    def asked(self) -> list[str]:
        """What the installers were asked since the last look."""
        lines = self.calls.read_text().splitlines() if self.calls.exists() else []
        self.calls.unlink(missing_ok=True)
        return lines


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    checkout = Checkout(tmp_path)
    checkout.program("uv", UV)
    checkout.program("python3", PYTHON)
    return checkout


def python_that_is(version: str, *missing: str) -> str:
    """A script that answers as a Python of that version would, without the `missing` modules."""
    supported = version in ("3.11", "3.12", "3.13", "3.14")
    return f"""#!/bin/sh
case "$*" in
  --version) echo "Python {version}.1" ;;
  *"not (3, 11)"*) exit {0 if supported else 1} ;;
  *"import venv"*) exit {1 if missing else 0} ;;
  *version_info*) echo {version} ;;
  *) echo "unexpected: $*" >&2; exit 99 ;;
esac
"""


def test_help_tells_each_target_in_a_line(checkout: Checkout) -> None:
    told = checkout.make()
    assert told.returncode == 0
    lines = told.stdout.splitlines()[1:]
    assert [line.split()[0] for line in lines] == TARGETS
    assert all(len(line.split()) > 3 and len(line) <= 120 for line in lines)
    phony = re.search(r"^\.PHONY:(.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert phony
    assert set(TARGETS) <= set(phony[1].split())


def test_set_up_installs_what_is_pinned_and_then_the_workshop(checkout: Checkout) -> None:
    done = checkout.make("set-up")
    assert (done.returncode, done.stderr) == (0, "")
    venv, packages, workshop = checkout.asked()
    assert venv == "uv venv --quiet --allow-existing --python python3 .venv"
    assert "--require-hashes -r requirements.lock" in packages
    assert "--compile-bytecode" in packages
    assert "--no-deps --no-build-isolation -e ." in workshop
    assert "about half a minute" in done.stdout
    assert (checkout.root / ".env").read_bytes() == (ROOT / ".env.example").read_bytes()
    assert "Wrote .env" in done.stdout


def test_a_second_set_up_does_nothing(checkout: Checkout) -> None:
    checkout.make("set-up")
    checkout.asked()
    (checkout.root / ".env").write_text("MINE=1\n")
    again = checkout.make("set-up")
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert checkout.asked() == []
    assert (checkout.root / ".env").read_text() == "MINE=1\n"


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
def test_changed_requirements_are_installed_into_the_same_venv(checkout: Checkout, name: str) -> None:
    checkout.make("set-up")
    checkout.asked()
    (checkout.root / ".venv" / "kept").write_text("")
    stamp = (checkout.root / ".venv" / ".set-up").stat().st_mtime
    os.utime(checkout.root / name, (stamp + 5, stamp + 5))
    assert checkout.make("set-up").returncode == 0
    assert [call.split()[1] for call in checkout.asked()] == ["pip", "pip"]
    assert (checkout.root / ".venv" / "kept").exists()


def test_an_interrupted_installation_is_made_anew(checkout: Checkout) -> None:
    checkout.fails.write_text("")
    failed = checkout.make("set-up")
    assert failed.returncode != 0
    assert "Next: check the network and the free space" in failed.stderr
    assert not (checkout.root / ".env").exists()
    (checkout.root / ".venv" / "half").write_text("")
    checkout.asked()
    checkout.fails.unlink()
    mended = checkout.make("set-up")
    assert (mended.returncode, mended.stderr) == (0, "")
    assert "making it anew" in mended.stdout
    assert not (checkout.root / ".venv" / "half").exists()
    assert len(checkout.asked()) == 3
    assert checkout.make("set-up").stdout == ""


def test_pip_installs_what_uv_cannot(checkout: Checkout) -> None:
    checkout.fails.write_text("")
    checkout.pip_works.write_text("")
    assert checkout.make("set-up").returncode == 0
    venv, uv, *_, packages, workshop = checkout.asked()  # between them ensurepip, where there is no pip
    assert venv.startswith("uv venv")
    assert uv.startswith("uv pip install")
    assert packages.startswith("python -m pip install")
    assert "--require-hashes -r requirements.lock" in packages
    assert "--no-deps --no-build-isolation -e ." in workshop


# Builds a wheel of one module, so that nothing is asked of the network.
BACKEND = """
import zipfile
def wheel(folder, name="workshop"):
    info = f"{name}-1.dist-info"
    files = {
        f"{name}_module.py": "",
        f"{info}/METADATA": f"Metadata-Version: 2.1\\nName: {name}\\nVersion: 1\\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{path},,\\n" for path in [*files, f"{info}/RECORD"])
    path = f"{name}-1-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{path}", "w") as file:
        for inner, text in files.items():
            file.writestr(inner, text)
    return path
def build_editable(folder, config_settings=None, metadata_directory=None):
    return wheel(folder)
"""


def test_pips_own_configuration_counts_for_the_network_alone(checkout: Checkout, tmp_path: Path) -> None:
    """Case C04, with the real pip: what it installs is in .venv, from the folder that its configuration names.

    Each of the three other settings alone would make it fail, or install elsewhere.
    """
    (checkout.programs / "uv").unlink()
    (checkout.programs / "python3").unlink()
    (checkout.programs / "python3").symlink_to(sys.executable)
    (checkout.root / "backend.py").write_text(BACKEND)
    made: dict[str, object] = {}
    exec(BACKEND, made)
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel = wheels / made["wheel"](wheels, "pinned")  # type: ignore[operator]
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    (checkout.root / "requirements.lock").write_text(f"pinned==1 --hash=sha256:{digest}\n")
    (checkout.root / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        '[project]\nname = "workshop"\nversion = "1"\n'
    )
    elsewhere = tmp_path / "elsewhere"
    others = f"user = true\ntarget = {elsewhere}\nprefix = {elsewhere}\n"
    config = f"[global]\nno-index = true\n[install]\nfind-links = {wheels}\n{others}"
    (tmp_path / "pip.conf").write_text(config)
    done = checkout.make("set-up", PIP_CONFIG_FILE=str(tmp_path / "pip.conf"))
    assert (done.returncode, "Next:" in done.stderr) == (0, False), done.stderr
    installed = {path.name for path in (checkout.root / ".venv").rglob("*_module.py")}
    assert installed == {"pinned_module.py", "workshop_module.py"}
    assert not elsewhere.exists()


def test_a_venv_that_is_none_is_made_anew(checkout: Checkout) -> None:
    # The machine's own Python without pyvenv.cfg: installing there would change that one.
    (checkout.root / ".venv" / "bin").mkdir(parents=True)
    (checkout.root / ".venv" / "bin" / "python").symlink_to(Path(sys.executable).resolve())
    assert checkout.make("set-up").returncode == 0
    assert [call.split()[1] for call in checkout.asked()] == ["venv", "pip", "pip"]
    assert not (checkout.root / ".venv" / "bin" / "python").is_symlink()


def test_a_moved_checkout_is_set_up_anew(checkout: Checkout) -> None:
    checkout.make("set-up")
    checkout.asked()
    checkout.root = checkout.root.rename(checkout.root.with_name("moved"))
    moved = checkout.make("set-up")
    assert (moved.returncode, moved.stderr) == (0, "")
    assert "moved" in moved.stdout
    assert len(checkout.asked()) == 3


def test_a_python_that_was_removed(checkout: Checkout) -> None:
    checkout.make("set-up")
    checkout.asked()
    python = checkout.root / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3.11")
    assert checkout.make("set-up").returncode == 0
    assert len(checkout.asked()) == 3


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.15"])
def test_a_python_that_is_not_supported(checkout: Checkout, version: str) -> None:
    checkout.program("python3", python_that_is(version))
    refused = checkout.make("set-up")
    assert refused.returncode != 0
    assert f"Python 3.11 to 3.14 is needed; found Python {version}.1.\n" in refused.stderr
    assert "PYTHON=/path/to/python3.12" in refused.stderr
    assert not (checkout.root / ".venv").exists()


def test_no_python_at_all(checkout: Checkout) -> None:
    (checkout.programs / "python3").unlink()
    assert "found python3, which does not run." in checkout.make("set-up").stderr
    assert "found python3.99, which does not run." in checkout.make("set-up", "PYTHON=python3.99").stderr


def test_another_python_beside_an_old_one_is_found(checkout: Checkout) -> None:
    (checkout.programs / "python3").rename(checkout.programs / "python3.12")
    checkout.program("python3", python_that_is("3.9"))
    assert checkout.make("set-up").returncode == 0
    assert "--python python3.12" in checkout.asked()[0]


def test_the_python_that_was_named_is_taken_or_refused(checkout: Checkout) -> None:
    checkout.program("python3.14", PYTHON)
    checkout.program("python3.8", python_that_is("3.8"))
    assert "found Python 3.8.1" in checkout.make("set-up", "PYTHON=python3.8").stderr
    assert checkout.make("set-up", "PYTHON=python3.14").returncode == 0
    assert "--python python3.14" in checkout.asked()[0]


def test_debian_without_the_venv_package(checkout: Checkout) -> None:
    (checkout.programs / "uv").unlink()
    checkout.program("python3", python_that_is("3.11", "venv"))
    refused = checkout.make("set-up")
    assert refused.returncode != 0
    assert "Next: sudo apt install python3.11-venv\n" in refused.stderr
    assert not (checkout.root / ".venv").exists()


def test_windows_is_told_what_to_use(checkout: Checkout) -> None:
    refused = checkout.make("set-up", "OS=Windows_NT")
    assert refused.returncode != 0
    assert "use WSL" in refused.stderr


def test_the_lock_names_no_host_and_hashes_everything() -> None:
    text = (ROOT / "requirements.lock").read_text()
    assert "://" not in text
    requirements = re.sub(r"\\\n", "", text).splitlines()
    assert len(requirements) > 100
    for requirement in requirements:
        assert re.match(r"[a-z0-9-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", requirement), requirement


def test_lock_refuses_a_file_with_a_host(checkout: Checkout) -> None:
    checkout.program("uv", '#!/bin/sh\necho "a @ https://files.example/a.whl" > requirements.lock\n')
    refused = checkout.make("lock")
    assert refused.returncode != 0
    assert "names a host" in refused.stderr
    checkout.program("uv", "#!/bin/sh\necho a==1 --hash=sha256:0 > requirements.lock\n")
    assert checkout.make("lock").returncode == 0


def test_packages_are_byte_compiled() -> None:
    # Without that every worker takes twice as long to start.
    import openai
    import temporalio.client

    for module in (openai, temporalio.client):
        assert module.__cached__
        assert Path(module.__cached__).exists()


def test_clean_keeps_what_is_yours(checkout: Checkout) -> None:
    checkout.make("set-up")
    checkout.program("find", "#!/bin/sh\n")
    exercise = checkout.root / "exercises" / "worker.py"
    exercise.parent.mkdir()
    exercise.write_text("mine")
    (checkout.root / ".workshop").mkdir()
    assert checkout.make("clean").returncode == 0
    assert not (checkout.root / ".venv").exists()
    assert not (checkout.root / ".workshop").exists()
    assert (checkout.root / ".env").exists()
    assert exercise.exists()
