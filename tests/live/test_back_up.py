"""A back-up is everything that a live system needs to go on, even one that was taken while it worked."""

import tarfile
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from typer.testing import CliRunner

from replay.__main__ import app
from replay.archive import Archive
from replay.record import Recorder
from stream.live.embedded import EmbeddedServer
from stream.live.keys import EVENTS, ONCE, RECORDERS, log_key
from stream.live.ownership import own
from stream.live.server import answers, connect
from stream.live.views import Heartbeat
from stream.log import shard_of


@pytest.fixture
def command(redis_url, settings, monkeypatch):
    """A command on the live system of the test; its output."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("FLEETCAST_STATE_DIR", str(settings.state_dir))

    def run(*args, code=0):
        done = CliRunner().invoke(app, list(map(str, args)))
        assert done.exit_code == code, (done.output, done.exception)
        return done.output

    return run


def lose_everything(client, settings):
    client.flushall()
    for path in (settings.state_dir / "checkpoints").iterdir():
        path.unlink()


def test_a_restored_system_goes_on_as_if_it_had_been_killed(run, logs, drive, client, settings, command, tmp_path):
    (settings.state_dir / "api_key").write_text("secret")
    logs.append("depot", drive[:100])
    run().to_end()
    logs.append("depot", drive[100:150])  # which the engine has not had yet
    client.set(f"{ONCE}:x", "1")
    told = command("back-up", tmp_path / "b.tar")
    assert "checkpoints" in told
    assert (tmp_path / "b.tar").stat().st_mode & 0o077 == 0
    logs.append("depot", drive[150:])
    run().to_end()
    lose_everything(client, settings)
    (settings.state_dir / "api_key").unlink()
    assert "restored" in command("restore", tmp_path / "b.tar")
    assert (settings.state_dir / "api_key").read_text() == "secret"
    assert not client.exists(f"{ONCE}:x")
    assert not client.exists(RECORDERS)
    logs.append("depot", drive[150:])
    run().to_end()
    assert logs.are_whole("depot")
    assert len(client.xrange(EVENTS)) == len(logs.plainly("depot")[0])


@pytest.mark.parametrize("at", [1, 3, 6])
@pytest.mark.usefixtures("hurry")
def test_one_that_is_taken_while_the_engine_works_is_as_good(run, logs, drive, client, settings, command, tmp_path, at):
    for first in range(0, len(drive), 10):
        logs.append("depot", drive[first : first + 10])
    looks = []

    def polled():
        looks.append(len(looks))
        if len(looks) == at:
            command("back-up", tmp_path / "b.tar")
            client.xtrim(log_key(shard_of("depot")), maxlen=10_000)

    run(settings=settings.model_copy(update={"batch": 20}), polled=polled).to_end()
    lose_everything(client, settings)
    command("restore", tmp_path / "b.tar")
    run().to_end()
    assert logs.are_whole("depot")


def test_the_archive_goes_with_it_and_is_gone_on_with(run, logs, drive, client, settings, command, tmp_path):
    def record(folder):
        one = Recorder.begin(client, settings, Archive(folder), Heartbeat(7, 0, 0), lambda: 1, lambda: 1.0)
        one.read()
        one.close()
        return one.reached

    logs.append("depot", drive[:150])
    record(tmp_path / "kept")
    assert "of the archive" in command("back-up", tmp_path / "b.tar", "--archive", tmp_path / "kept")
    lose_everything(client, settings) if (settings.state_dir / "checkpoints").exists() else client.flushall()
    assert "was left where it is" in command("restore", tmp_path / "b.tar")
    assert "holds an archive" in command("restore", tmp_path / "b.tar", "--archive", tmp_path / "kept", "--force", code=2)
    command("restore", tmp_path / "b.tar", "--archive", tmp_path / "again", "--force")
    logs.append("depot", drive[150:])
    reached = record(tmp_path / "again")
    assert reached.shards[str(shard_of("depot"))].count == len(drive)
    assert not reached.gaps
    run().to_end()
    assert logs.are_whole("depot")


def test_a_back_up_that_is_cut_or_changed_changes_nothing(run, logs, drive, client, settings, command, tmp_path):
    logs.append("depot", drive)
    run().to_end()
    good = tmp_path / "b.tar"
    command("back-up", good)
    whole = good.read_bytes()
    for bad, words in ((whole[: len(whole) // 2], "cut short"), (b"?" * 2_000, "no back-up"), (changed(whole), "damaged")):
        good.write_bytes(bad)
        assert words in command("restore", good, "--force", code=2)
    run().to_end()
    assert logs.are_whole("depot")


def changed(whole):
    """One byte inside a file is another."""
    with tarfile.open(fileobj=BytesIO(whole)) as tar:
        place = next(member.offset_data for member in tar if member.name.endswith(".checkpoint")) + 100
    return whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]


def test_what_is_there_is_not_written_over_unasked(run, logs, drive, settings, command, tmp_path):
    logs.append("depot", drive)
    run().to_end()
    command("back-up", tmp_path / "b.tar")
    assert "is there already" in command("back-up", tmp_path / "b.tar", code=2)
    assert "say --force" in command("restore", tmp_path / "b.tar", code=2)
    with own(settings.state_dir / "locks", [4]):
        assert "end the engine first" in command("restore", tmp_path / "b.tar", "--force", code=2)
    command("restore", tmp_path / "b.tar", "--force")
    run().to_end()
    assert logs.are_whole("depot")


def test_another_number_of_shards_is_another_log(logs, drive, command, tmp_path, monkeypatch):
    logs.append("depot", drive)
    command("back-up", tmp_path / "b.tar")
    monkeypatch.setenv("FLEETCAST_SHARDS", "4")
    assert "of a log of 16 shards" in command("restore", tmp_path / "b.tar", code=2)


def test_a_system_that_stands_still_is_backed_up_with_its_own_server(monkeypatch):
    monkeypatch.delenv("REDIS_URL", raising=False)
    with TemporaryDirectory(prefix="fc-") as short:
        first, second, file = Path(short, "1"), Path(short, "2"), Path(short, "b.tar")
        first.mkdir()
        server = EmbeddedServer(first)
        server.start()
        with connect(server.url) as redis:
            redis.set("fc1:inbox_read", "7-7")
        server.stop()
        for args in (["back-up", str(file), "--state-dir", str(first)], ["restore", str(file), "--state-dir", str(second)]):
            done = CliRunner().invoke(app, args)
            assert done.exit_code == 0, (done.output, done.exception)
            assert not answers(server.url)
        server = EmbeddedServer(second)
        server.start()
        with connect(server.url) as redis:
            assert redis.get("fc1:inbox_read") == b"7-7"
        server.stop()
