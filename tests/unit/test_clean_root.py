"""The Dockerfile, line by line, in a root of its own: users, folders and copies for real, packages resolved but not
installed (`pip --dry-run`), the app's own commands with the packages that are here.

It wants Linux, the rights of root and a package index, and is skipped elsewhere.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FRAME = """
set -e
mount -t tmpfs none "$1"
cd "$1"
mkdir -p usr opt dev proc tmp home root etc run var
for name in bin sbin lib lib64; do [ ! -e /usr/$name ] || ln -s usr/$name $name; done
cp -rL /etc/. etc 2>/dev/null || true
for name in passwd group shadow gshadow; do grep "^root:" /etc/$name > etc/$name; done
for name in usr opt dev run; do mount --rbind /$name $name; done
mount -t proc proc proc
for path in $BOUND; do mkdir -p ".$path"; mount --bind "$path" ".$path"; done
chmod 755 root . ; chmod 1777 tmp
"""
"""A root with the machine's programs, and nothing of its files but those in $BOUND."""


def instructions():
    """(word, rest) of every instruction, continued lines joined."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    return [tuple(line.split(None, 1)) for line in text.replace("\\\n", " ").splitlines() if line.strip()]


def script(python, source, packages):
    """The Dockerfile as a shell script; each RUN by the shell that Docker uses, as the user that stands before it."""
    lines, settings, user = [FRAME], {}, "root"
    place = "/"
    for word, rest in instructions():
        if word in ("ARG", "ENV"):
            settings |= dict(part.partition("=")[::2] for part in shlex.split(rest) if "=" in part)
        elif word == "WORKDIR":
            place = rest
            lines.append(f"mkdir -p .{place}")
        elif word == "COPY":
            owner, *names, target = shlex.split(rest)
            assert owner == "--chown=user:user"
            for name in names:
                to = f".{place}/{target}" if target != "./" else f".{place}/{name}"
                lines.append(f"cp -r {source / name} {to}; chroot . chown -R user:user {place}")
        elif word == "USER":
            user = rest
        elif word == "RUN":
            lines.append(run(python, place, settings, user, rest))
    lines.append(run(python, place, settings, user, "python -m models.hub && test -w . && id -un", packages))
    return "\n".join(lines)


def run(python, place, settings, user, command, packages=""):
    given = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    settings = {**given, **settings, "TORCH_INDEX": "https://pypi.org/simple", "PIP_DRY_RUN": "1"}
    inside = f"cd {place}; export PATH={python}:/usr/sbin:/usr/bin; {command}"
    said = " ".join(f"{name}={shlex.quote(value)}" for name, value in {**settings, "PYTHONPATH": packages}.items())
    return f"env -i {said} /usr/sbin/chroot --userspec={user}:{user} . /bin/sh -ec {shlex.quote(inside)}"


def may_make_roots():
    if os.name != "posix" or os.getuid() != 0 or not shutil.which("unshare"):
        return False
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.slow
@pytest.mark.skipif(not may_make_roots(), reason="wants the rights of root on Linux")
def test_every_line_of_the_dockerfile_works_in_a_clean_root(tmp_path):
    python, root = tmp_path / "python", tmp_path / "root"
    root.mkdir()
    subprocess.run([sys.executable, "-m", "venv", "--copies", python], check=True)
    asked = [python / "bin" / "pip", "install", "--quiet", "--dry-run", "wheel"]
    if subprocess.run(asked, capture_output=True, check=False).returncode:
        pytest.skip("no package index can be reached")
    packages = str(next(Path(path) for path in sys.path if path.endswith("site-packages")))
    bound = [python, packages, Path(sys.base_prefix)]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script(python / "bin", ROOT, packages), "sh", root],
        env={**os.environ, "BOUND": " ".join(map(str, bound))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "RF-DETR nano" in done.stdout
    assert done.stdout.splitlines()[-1] == "user"
