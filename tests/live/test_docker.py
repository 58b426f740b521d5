"""The image and the services, as far as they can be judged without a container engine; benchmarks/docker_steps.py carries the steps out."""

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from stream.live.embedded import HABITS
from stream.live.ownership import shards_of
from stream.live.settings import LiveSettings

ROOT = Path(__file__).resolve().parents[2]
SPEC = importlib.util.spec_from_file_location("docker_steps", ROOT / "benchmarks" / "docker_steps.py")
DOCKER_STEPS = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(DOCKER_STEPS)

STEPS = DOCKER_STEPS.steps((ROOT / "Dockerfile").read_text(encoding="utf-8"))
WORDS = {word: [step.text for step in STEPS if step.word == word] for word in {step.word for step in STEPS}}
SERVICES = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]


def test_hadolint_has_nothing_to_say():
    run = subprocess.run([Path(sys.executable).parent / "hadolint", "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (run.stdout + run.stderr, run.returncode) == ("", 0)


def test_the_image_is_built_apart_and_runs_as_a_number_that_is_not_root():
    assert len(WORDS["FROM"]) == 2
    assert [user.split(":")[0].isdecimal() and int(user.split(":")[0]) > 0 for user in WORDS["USER"]] == [True]
    assert json.loads(WORDS["CMD"][0])[0] == "fleetcast"
    assert WORDS["VOLUME"] == ["/var/lib/fleetcast"]


def test_the_health_check_is_a_program_that_fails_when_nobody_answers():
    (check,) = WORDS["HEALTHCHECK"]
    command = json.loads(check.partition("CMD ")[2])
    assert "/readyz" in command[-1]
    run = subprocess.run(
        [sys.executable, *command[1:]], env={**os.environ, "FLEETCAST_PORT": "1"}, capture_output=True, text=True, check=False
    )
    assert run.returncode != 0
    assert "Connection refused" in run.stderr


def test_packages_are_installed_by_their_hashes():
    installs = [step.text for step in STEPS if " install " in step.text]
    assert [("--require-hashes" in text, "--no-index" in text) for text in installs] == [(True, False), (True, False), (False, True)]


def test_the_build_sees_every_package_and_nothing_that_it_does_not_need():
    ignore = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    context = {path.parts[0] for path in DOCKER_STEPS.in_context(ignore)}
    copied = {source for step in STEPS if step.word == "COPY" and "--from" not in step.text for source in DOCKER_STEPS.copied(step)[0]}
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["uv"]["build-backend"]["module-name"]
    assert copied == context
    assert set(packages) < context
    assert not any("__pycache__" in path.parts for path in DOCKER_STEPS.in_context(ignore))


def test_steps_are_read_as_docker_reads_them():
    text = "# a comment\nFROM python:3.12\n\nRUN one \\\n    # inside\n    && two\nCOPY --chown=1 a b ./\n"
    assert DOCKER_STEPS.steps(text) == [("FROM", "python:3.12"), ("RUN", "one  && two"), ("COPY", "--chown=1 a b ./")]
    assert DOCKER_STEPS.copied(DOCKER_STEPS.steps(text)[2]) == (["a", "b"], "./")
    assert DOCKER_STEPS.moved("cp /src/x /opt/y ./opt /usr/bin", Path("here")) == "cp here/src/x here/opt/y ./opt /usr/bin"


def test_only_the_whole_system_starts_by_itself():
    assert [name for name, service in SERVICES.items() if "profiles" not in service] == ["fleetcast"]
    assert {service["profiles"][0] for service in SERVICES.values() if "profiles" in service} == {"scaled"}


def test_engines_share_all_shards_and_none_is_owned_twice():
    shares = [shards_of(service["command"][-1], LiveSettings().shards) for name, service in SERVICES.items() if name.startswith("stream-")]
    assert sorted(shard for share in shares for shard in share) == list(range(LiveSettings().shards))


def test_each_process_has_a_state_folder_of_its_own():
    volumes = [volume for service in SERVICES.values() for volume in service["volumes"]]
    assert len(set(volumes)) == len(volumes) == len(SERVICES)


def test_nothing_is_open_to_other_machines():
    ports = [port for service in SERVICES.values() for port in service.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_the_server_has_the_habits_of_the_embedded_one():
    _, *options = SERVICES["valkey"]["command"]
    said = dict(zip(options[::2], options[1::2], strict=True))
    same = {f"--{key}": value for key, value in HABITS.items() if key not in {"port", "unixsocketperm"}}
    assert said == same | {"--protected-mode": "no"}


def test_docker_reads_the_services(tmp_path):
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker compose is not here: the services were read as YAML only")
    run = subprocess.run(
        [docker, "compose", "--profile", "scaled", "config", "--quiet"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (run.stderr, run.returncode) == ("", 0)
