"""Which Redis is taken, and which is refused; with real servers."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from stream.live.embedded import EmbeddedServer
from stream.live.server import (
    LONGEST_SOCKET_PATH,
    NoServer,
    answers,
    check_server,
    connect,
    connect_async,
    find_server,
    socket_path,
    without_password,
)
from stream.live.settings import LiveSettings


@pytest.fixture
def state_dir():
    with TemporaryDirectory(prefix="fc-") as folder:
        yield Path(folder)


@pytest.fixture
def server(state_dir):
    """An embedded server that is running."""
    server = EmbeddedServer(state_dir)
    server.start()
    yield server
    server.stop()


def test_an_embedded_server_is_private_and_keeps_everything(server, state_dir):
    assert server.url == f"unix://{state_dir}/redis.sock"
    assert (state_dir / "redis.sock").stat().st_mode & 0o777 == 0o700
    with connect(server.url) as client:
        said = client.config_get("port", "save", "appendonly", "appendfsync", "maxmemory-policy")
    assert said == {
        "port": "0", "save": "", "appendonly": "yes", "appendfsync": "everysec", "maxmemory-policy": "noeviction",
    }  # fmt: skip
    assert check_server(server.url) == []


def test_the_largest_entry_of_the_log_fits(server):
    with connect(server.url) as client:
        entry = b"\n".join([b"x" * (1 << 20)] * 100)
        client.xadd("log", {"m": entry})
        assert client.xlen("log") == 1


def test_what_was_written_is_there_after_a_clean_end_and_after_a_kill(state_dir):
    server = EmbeddedServer(state_dir)
    assert server.start() is False
    with connect(server.url) as client:
        client.set("a", 1)
    server.stop()
    assert not (state_dir / "redis.sock").exists()
    assert server.start() is False
    with connect(server.url) as client:
        client.set("b", 2)
        client.execute_command("WAITAOF", 1, 0, 2_000)
        os.kill(client.info("server")["process_id"], signal.SIGKILL)
    while server.is_running():
        time.sleep(0.01)
    assert server.start() is False
    with connect(server.url) as client:
        assert client.mget("a", "b") == [b"1", b"2"]
    server.stop()
    assert not answers(server.url)


def test_a_server_whose_starter_was_killed_is_found_again_and_can_be_ended(state_dir):
    starter = "import os, sys; from pathlib import Path; from stream.live.embedded import EmbeddedServer; "
    starter += "EmbeddedServer(Path(sys.argv[1])).start(); os.kill(os.getpid(), 9)"
    assert subprocess.run([sys.executable, "-c", starter, str(state_dir)], check=False).returncode == -signal.SIGKILL
    server = EmbeddedServer(state_dir)
    assert server.is_running()
    assert server.start() is True
    assert find_server(LiveSettings(state_dir=state_dir)) == server.url
    server.stop()
    assert not server.is_running()


def test_a_stale_socket_is_removed(state_dir):
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(state_dir / "redis.sock"))
    server = EmbeddedServer(state_dir)
    assert server.start() is False
    server.stop()


def test_a_state_folder_that_is_too_deep_for_a_socket_has_it_in_the_temp_folder(state_dir):
    deep = state_dir / ("d" * LONGEST_SOCKET_PATH)
    other = state_dir / ("e" * LONGEST_SOCKET_PATH)
    assert socket_path(deep) == socket_path(deep)
    assert len({socket_path(deep), socket_path(other)}) == 2
    assert len(os.fsencode(socket_path(deep))) <= LONGEST_SOCKET_PATH
    server = EmbeddedServer(deep)
    server.start()
    assert socket_path(deep).parent.stat().st_mode & 0o777 == 0o700
    server.stop()
    socket_path(deep).parent.rmdir()


def test_a_folder_in_the_temp_folder_that_others_can_write_to_is_refused(state_dir):
    deep = state_dir / ("f" * LONGEST_SOCKET_PATH)
    folder = socket_path(deep).parent
    folder.mkdir()
    folder.chmod(0o777)
    try:
        with pytest.raises(NoServer, match="can be written by others"):
            EmbeddedServer(deep).start()
    finally:
        folder.rmdir()


def test_a_server_that_cannot_start_says_the_end_of_its_log(state_dir):
    aof = state_dir / "redis" / "appendonlydir"
    aof.mkdir(parents=True)
    (aof / "appendonly.aof.manifest").write_text("garbage\n")
    with pytest.raises(NoServer, match=r"did not start; the end of .*redis\.log: .*manifest"):
        EmbeddedServer(state_dir).start()


def test_a_named_server_goes_before_the_embedded_one(server, state_dir):
    assert find_server(LiveSettings(state_dir=state_dir, redis_url="redis://elsewhere")) == "redis://elsewhere"
    assert find_server(LiveSettings(state_dir=state_dir)) == server.url


def test_without_any_server_the_sentence_says_what_to_do(state_dir):
    with pytest.raises(NoServer, match="REDIS_URL"):
        find_server(LiveSettings(state_dir=state_dir))
    with pytest.raises(NoServer, match=r"Redis at redis://127.0.0.1:1 does not answer"):
        check_server("redis://:planted@127.0.0.1:1")
    with pytest.raises(NoServer, match="does not answer"):
        check_server("http://127.0.0.1:1")


def test_a_server_that_throws_away_is_refused_and_one_that_forgets_is_mentioned(server):
    with connect(server.url) as client:
        client.config_set("appendonly", "no")
        assert check_server(server.url) == [f"Redis at {server.url} has appendonly off: what it holds is gone when it restarts"]
        client.config_set("maxmemory-policy", "allkeys-lru")
        with pytest.raises(NoServer, match="has maxmemory-policy allkeys-lru"):
            check_server(server.url)


def test_a_copy_that_takes_no_writes_is_refused(server):
    with connect(server.url) as client:
        client.replicaof("127.0.0.1", 1)
    with pytest.raises(NoServer, match="has the role slave"):
        check_server(server.url)


def test_nothing_is_sent_twice_behind_the_callers_back():
    """A server that hears a command and hangs up hears it once."""
    calls = []
    with socket.create_server(("127.0.0.1", 0)) as listener, connect(f"redis://127.0.0.1:{listener.getsockname()[1]}") as client:
        listener.settimeout(0.2)

        def hang_up() -> None:
            with suppress(TimeoutError):
                while True:
                    with listener.accept()[0] as caller:
                        calls.append(caller.recv(100))

        hanging_up = Thread(target=hang_up)
        hanging_up.start()
        with pytest.raises(RedisConnectionError):
            client.incr("a")
        hanging_up.join()
    assert len(calls) == 1


def test_the_other_client_has_the_same_habits(server):
    import asyncio

    async def read() -> object:
        client = connect_async(server.url)
        await client.xadd("log", {"m": "1"})
        answer = await client.xread({"log": "0"})
        await client.aclose()
        return answer

    assert isinstance(asyncio.run(read()), list)


def test_a_password_is_not_shown():
    assert without_password("rediss://user:planted@host:6380/2?password=planted") == "rediss://host:6380/2"
