"""What the processes of the live system are told, and what a person is told of them."""

import socket
from pathlib import Path

import pytest

from stream.live.load_settings import BadSettings
from stream.live.programs import engines, environment, free_port, player
from stream.live.settings import LiveSettings
from stream.live.welcome import address, welcome


def test_a_port_that_is_taken_is_said_before_anything_is_started():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        settings = LiveSettings(port=taken.getsockname()[1])
        with pytest.raises(BadSettings, match=r"cannot be had \(Address already in use\): choose another with --port"):
            free_port(settings)
    with pytest.raises(BadSettings, match=r"port 0 of 127\.0\.0\.300 cannot be had"):
        free_port(LiveSettings(host="127.0.0.300", port=0))
    assert free_port(LiveSettings(port=0)) > 0


def test_processes_share_all_shards():
    alone = LiveSettings(standby=False)
    assert [program.name for program in engines(alone, 1)] == ["stream-0-15"]
    assert [program.command[-1] for program in engines(alone, 3)] == ["0-4", "5-9", "10-15"]
    assert [program.command[-1] for program in engines(alone.model_copy(update={"shards": 2}), 2)] == ["0-0", "1-1"]
    assert "--standby" not in engines(alone, 1)[0].command


def test_behind_each_engine_one_stands_by_that_is_started_later():
    found = engines(LiveSettings(), 2)
    assert [(program.name, program.command[-1]) for program in found] == [
        ("stream-0-7", "0-7"),
        ("stream-8-15", "8-15"),
        ("stream-0-7-standby", "0-7"),
        ("stream-8-15-standby", "8-15"),
    ]
    assert all("--standby" in program.command for program in found)
    assert [program.after_s > 0 for program in found] == [False, False, True, True]


def test_children_find_what_we_were_told(tmp_path):
    found = environment(LiveSettings(state_dir=tmp_path, port=7, redis_url="redis://mine"), "redis://mine", Path("my.toml"))
    assert {name: found[name] for name in found if name.startswith("FLEETCAST_")} == {
        "FLEETCAST_REDIS_URL": "redis://mine",
        "FLEETCAST_STATE_DIR": str(tmp_path),
        "FLEETCAST_HOST": "127.0.0.1",
        "FLEETCAST_PORT": "7",
        "FLEETCAST_CONFIG": str(Path.cwd() / "my.toml"),
    }
    assert found["REDIS_URL"] == "redis://mine"


def test_the_player_is_told_day_and_speed():
    assert player(Path("day"), 60.0).command[1:] == ["-P", "-m", "replay", "play", "day", "--speed", "60", "--new-day"]


def test_what_listens_everywhere_is_reached_here(tmp_path):
    assert address(LiveSettings(host="0.0.0.0", port=1)) == "http://127.0.0.1:1"
    assert address(LiveSettings(host="::", port=1)) == "http://[::1]:1"
    lines = [line for line, _ in welcome(LiveSettings(state_dir=tmp_path), "redis://mine")]
    assert any('-H "X-API-Key: $KEY"' in line for line in lines)
