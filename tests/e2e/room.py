"""A folder in which the archive's script finds the AWS CLI, the programs that POSIX has, and nothing else: `chroot` makes it the root.

Programs, their libraries, and Python with the AWS CLI (for the AWS CLI alone: no PATH leads to it) are linked into it, or copied.
"""

import os
import re
import shutil
import subprocess
from pathlib import Path

# To unpack the archive; the script itself needs none of them.
UNPACK = ["gzip", "sha256sum", "tar"]
# Of Python's library what the AWS CLI never loads, and is large.
LEFT_OUT = {"ensurepip", "idlelib", "lib2to3", "site-packages", "test", "tests", "tkinter", "turtledemo"}


class Room:
    """`root` after it is built: `run` starts a program of it."""

    def __init__(self, root, commands, aws_cli):
        self.root = Path(root)
        for folder in ("bin", "dev", "home", "tmp"):
            self.root.joinpath(folder).mkdir(parents=True)
        # Without the right to make a device, a file takes what is thrown away.
        self.root.joinpath("dev/null").touch()
        self.libraries = set()
        for name in [*commands, *UNPACK]:
            self.add(shutil.which(name), f"/bin/{name}")
        self.add_aws_cli(Path(aws_cli).resolve())

    def put(self, source, place):
        target = self.root / str(place).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            return
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)

    def add(self, program, place=None):
        """A program or a library, and the libraries that it loads."""
        assert program, f"there is no program for {place} here"
        program = Path(program).resolve()
        self.put(program, place or program)
        if program.read_bytes()[:4] != b"\x7fELF":
            return
        listed = subprocess.run(["ldd", program], capture_output=True, text=True).stdout
        for library in re.findall(r"(/\S+) \(0x", listed):
            if library not in self.libraries:
                self.libraries.add(library)
                self.put(Path(library).resolve(), library)

    def add_aws_cli(self, environment):
        python = environment / "bin/python"
        prefix, version = subprocess.run(
            [python, "-c", "import sys; print(sys.base_prefix, '%d.%d' % sys.version_info[:2])"], check=True, capture_output=True, text=True
        ).stdout.split()
        real = python.resolve()
        self.add(real)
        for top, skip in [(Path(prefix, "lib", f"python{version}"), LEFT_OUT), (environment / "lib", {"pip"})]:
            for folder, folders, files in os.walk(top):
                folders[:] = [name for name in folders if name not in skip]
                for name in files:
                    file = Path(folder, name)
                    if file.suffix == ".so" and "lib-dynload" in folder:
                        self.add(file)
                    if not file.is_symlink() or file.exists():
                        self.put(file.resolve(), file)
        home = environment / f"lib/python{version}/site-packages"
        aws = f'#!/bin/sh\nPYTHONHOME={prefix} PYTHONPATH={home} PYTHONDONTWRITEBYTECODE=1 exec {real} -m awscli "$@"\n'
        self.root.joinpath("bin/aws").write_text(aws)
        self.root.joinpath("bin/aws").chmod(0o755)

    @staticmethod
    def why_not():
        """Why no program can be started in a room here; None if it can."""
        try:
            done = subprocess.run([*ENTER, "/", "/bin/sh", "-c", ":"], capture_output=True, text=True)
        except OSError as error:
            return str(error)
        return None if done.returncode == 0 else f"{' '.join(ENTER)}: {done.stderr.strip()}"

    def command(self, *command, folder="/home"):
        """What runs `command` in the room, in `folder`."""
        return [*ENTER, str(self.root), "/bin/sh", "-c", 'cd "$0" && exec "$@"', folder, *map(str, command)]

    def inside(self, path):
        """What `path` is called in the room."""
        return "/" + str(Path(path).relative_to(self.root))


# Root may; a user may in a namespace of users of its own, where the kernel allows one.
PROGRAMS = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
CHROOT, UNSHARE = (shutil.which(name, path=PROGRAMS) or name for name in ("chroot", "unshare"))
ENTER = [CHROOT] if os.geteuid() == 0 else [UNSHARE, "--user", "--map-root-user", CHROOT]
