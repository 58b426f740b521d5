"""Does what the Dockerfile says without a container engine: its steps in a temp folder, then its command until its health check passes.

    python benchmarks/docker_steps.py [--python python3.12] [--keep]

ENV, WORKDIR, COPY (with .dockerignore) and RUN of both stages are carried out as written, with /opt, /src and /var/lib/fleetcast moved
into the folder; FROM is the Python given, USER whoever runs this (`chown` is left out). Prints seconds a step, and how large the image's
folder is.
"""

import argparse
import fnmatch
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
MOVED = re.compile(r"(?<![\w.])(/opt|/src|/var/lib/fleetcast)\b")


class Step(NamedTuple):
    """One instruction of a Dockerfile, its continued lines joined."""

    word: str
    text: str


def steps(dockerfile: str) -> list[Step]:
    """The instructions in order; comments and empty lines are no instructions."""
    lines = [line for line in dockerfile.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [Step(*line.split(maxsplit=1)) for line in joined.splitlines()]


def copied(step: Step) -> tuple[list[str], str]:
    """What a COPY from the context takes, and where it puts it."""
    *sources, target = [part for part in shlex.split(step.text) if not part.startswith("--")]
    return sources, target


def moved(text: str, root: Path) -> str:
    """A text with the folders of the image inside `root`."""
    return MOVED.sub(lambda found: f"{root}{found.group()}", text)


def in_context(ignore: Sequence[str]) -> Iterator[Path]:
    """The files of the project that a build would see: of `.dockerignore`, `*` and the names it lets in again."""
    names = [line[1:] for line in ignore if line.startswith("!")]
    never = [line.removeprefix("**/") for line in ignore if line.startswith("**/")]
    for path in sorted(path for name in names for path in [ROOT / name, *(ROOT / name).rglob("*")]):
        if path.is_file() and not any(fnmatch.fnmatch(part, pattern) for part in path.parts for pattern in never):
            yield path.relative_to(ROOT)


class Image:
    """The folder in which the steps are carried out."""

    def __init__(self, root: Path, python: str) -> None:
        self._root, self._here = root, root
        ignore = [line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line and line[0] != "#"]
        self._context = list(in_context(ignore))
        base = root / "base"
        base.mkdir()
        (base / "python").symlink_to(shutil.which(python) or python)
        (base / "pip").write_text(f'#!/bin/sh\nexec "{base}/python" -m pip "$@"\n', encoding="utf-8")
        (base / "pip").chmod(0o755)
        self.environment = {**os.environ, "PATH": f"{base}:{os.environ['PATH']}"}
        self.environment.pop("PYTHONPATH", None)

    def do(self, step: Step) -> None:
        """Carry out one step."""
        match step.word:
            case "ENV":
                for pair in shlex.split(moved(step.text, self._root)):
                    name, _, value = pair.partition("=")
                    self.environment[name] = value.replace("$PATH", self.environment["PATH"])
            case "WORKDIR":
                self._here = Path(moved(step.text, self._root))
                self._here.mkdir(parents=True, exist_ok=True)
            case "COPY" if "--from" not in step.text:
                self._copy(*copied(step))
            case "RUN":
                (self._root / "opt").mkdir(exist_ok=True)
                (self._root / "var" / "lib").mkdir(parents=True, exist_ok=True)
                command = re.sub(r"&& chown \S+ \S+", "", moved(step.text, self._root))
                subprocess.run(["/bin/sh", "-euc", command], cwd=self._here, env=self.environment, check=True)

    def _copy(self, sources: Sequence[str], target: str) -> None:
        for source in sources:
            files = [path for path in self._context if path == Path(source) or Path(source) in path.parents]
            if not files:
                raise SystemExit(f"COPY {source}: .dockerignore lets nothing of it in")
            for path in files:
                put = self._here / (target if target != "./" else "") / (path.relative_to(source) if Path(source) != path else path.name)
                put.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(ROOT / path, put)


def serve(image: Image, command: Sequence[str], check: Sequence[str], state_dir: Path) -> float:
    """Start the command, wait until the health check passes, end it with SIGTERM; seconds to the first pass."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    environment = {**image.environment, "FLEETCAST_PORT": port, "FLEETCAST_STATE_DIR": str(state_dir)}
    began_s = time.monotonic()
    process = subprocess.Popen(command, env=environment, executable=shutil.which(command[0], path=environment["PATH"]))
    try:
        while subprocess.run(check, env=environment, capture_output=True, check=False).returncode:
            if process.poll() is not None or time.monotonic() - began_s > 120:
                raise SystemExit(f"{shlex.join(command)} did not become healthy")
            time.sleep(0.5)
        took_s = time.monotonic() - began_s
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(60)
    if code:
        raise SystemExit(f"{shlex.join(command)} ended with {code} on SIGTERM")
    return took_s


def main() -> None:
    """Run the steps."""
    parser = argparse.ArgumentParser(description="Run the steps of the Dockerfile without a container engine.")
    parser.add_argument("--python", default=getattr(sys, "_base_executable", sys.executable), help="the Python that FROM stands for")
    parser.add_argument("--keep", action="store_true", help="leave the folder")
    told = parser.parse_args()
    root = Path(mkdtemp(prefix="fleetcast-image-"))
    try:
        image, todo = Image(root, told.python), steps((ROOT / "Dockerfile").read_text(encoding="utf-8"))
        for step in todo:
            began_s = time.monotonic()
            image.do(step)
            print(f"{time.monotonic() - began_s:6.1f} s  {step.word} {step.text[:100]}", flush=True)
        texts = {step.word: step.text for step in todo}
        check = json.loads(texts["HEALTHCHECK"].partition("CMD ")[2])
        healthy_s = serve(image, json.loads(texts["CMD"]), check, root / "var" / "lib" / "fleetcast")
        size = sum(path.stat().st_size for path in (root / "opt" / "fleetcast").rglob("*") if path.is_file() and not path.is_symlink())
        print(f"healthy after {healthy_s:.1f} s; ended cleanly; {size / 1e6:.0f} MB of packages in the image")
    finally:
        if told.keep:
            print(f"left in {root}")
        else:
            shutil.rmtree(root)


if __name__ == "__main__":
    main()
