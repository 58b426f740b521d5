"""A checkpoint that is lost, unreadable or too old is made anew from the archive, and nobody hears anything twice or misses it."""

import pytest
from redis import Redis
from typer.testing import CliRunner

from replay.__main__ import app
from replay.archive import Archive
from replay.record import Recorder
from stream.live.keys import EVENTS, fleet_key, log_key
from stream.live.marks import Resume
from stream.live.ownership import own
from stream.live.resume_file import ResumeFile, resume_points, rewind
from stream.live.run import run as run_to_its_end
from stream.live.views import Heartbeat
from stream.log import shard_of


@pytest.fixture
def record(client, settings, tmp_path):
    """Record what is in the log now."""

    def recorded():
        one = Recorder.begin(client, settings, Archive(tmp_path / "archive"), Heartbeat(7, 0, 0), lambda: 1, lambda: 1.0)
        one.read()
        one.close()

    return recorded


@pytest.fixture
def rebuild(redis_url, settings, tmp_path, monkeypatch):
    """The command; its output."""
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("FLEETCAST_STATE_DIR", str(settings.state_dir))

    def command(*more, code=0):
        done = CliRunner().invoke(app, ["rebuild", str(tmp_path / "archive"), *more])
        assert done.exit_code == code, done.output
        return done.output

    return command


def checkpoint(settings, fleet_id="depot"):
    return settings.state_dir / "checkpoints" / f"{fleet_id}.checkpoint"


def without_beginning(client: Redis, fleet_id="depot", left=1):
    """The log as it is when its beginning has been let go of."""
    client.xtrim(log_key(shard_of(fleet_id)), maxlen=left, approximate=False)


@pytest.mark.parametrize("harm", ["lost", "cut", "other"])
def test_a_lost_or_unreadable_checkpoint_is_rebuilt_from_the_archive_and_the_log(run, logs, drive, record, rebuild, client, settings, harm):
    logs.append("depot", drive[:150])
    run().to_end()
    record()
    logs.append("depot", drive[150:200])
    run().to_end()
    whole = logs.plainly("depot")[1]
    path = checkpoint(settings)
    {"lost": path.unlink, "cut": lambda: path.write_bytes(path.read_bytes()[:-9]), "other": lambda: path.write_bytes(b"?")}[harm]()
    if harm != "lost":
        assert run_to_its_end(settings, client, range(16), 0, lambda: False) == 78
    said = rebuild()
    assert "rebuilt fleet depot" in said
    assert ("its checkpoint was lost" in said) == (harm == "lost")
    assert path.with_suffix(".unreadable").exists() == (harm != "lost")
    logs.append("depot", drive[200:])
    run().to_end()
    assert logs.are_whole("depot")
    assert len(client.xrange(EVENTS)) == len(logs.plainly("depot")[0])
    assert whole.received == 199


def test_what_readers_have_not_heard_is_left_for_the_engine_to_say(run, logs, drive, record, rebuild, client, settings):
    logs.append("depot", drive[:150])
    run().to_end()
    logs.append("depot", drive[150:])
    record()  # further than the engine has come
    checkpoint(settings).unlink()
    assert "from 149 entries" in rebuild()
    run().to_end()
    assert logs.are_whole("depot")


def test_an_old_checkpoint_is_brought_up_to_where_the_log_begins(run, logs, drive, record, rebuild, client, settings):
    logs.append("depot", drive[:100])
    run().to_end()
    old = checkpoint(settings).read_bytes()
    logs.append("depot", drive[100:])
    run().to_end()
    record()
    entries = logs.entries("depot")
    told, present = logs.events("depot"), logs.present("depot")
    without_beginning(client)
    checkpoint(settings).write_bytes(old)
    assert "older than the log" in rebuild()
    assert "nothing to rebuild" in rebuild()
    run().to_end()
    assert logs.events("depot") == told
    assert logs.present("depot") == present
    assert len(entries) == len(drive)


def test_with_redis_gone_too_the_archive_alone_makes_the_present(run, logs, drive, record, rebuild, client, settings):
    logs.append("depot", drive)
    run().to_end()
    record()
    present = logs.present("depot")
    client.flushall()
    checkpoint(settings).unlink()
    assert f"from {len(drive) - 1} entries" in rebuild("--fleet", "depot")
    logs.append("depot", drive[-1:])
    turns = iter(range(100))
    assert run_to_its_end(settings, client, range(16), 0, lambda: next(turns) > 5) == 0
    after = logs.present("depot")
    for kind in ("routes", "visits", "orders", "fences", "fixes"):
        assert after[kind] == present[kind], kind


def test_fleets_that_need_nothing_and_engines_at_work_are_left_alone(run, logs, drive, record, rebuild, settings):
    logs.append("depot", drive)
    run().to_end()
    record()
    before = checkpoint(settings).read_bytes()
    assert "nothing to rebuild" in rebuild()
    assert checkpoint(settings).read_bytes() == before
    with own(settings.state_dir / "locks", [4]):
        assert "end the engine first" in rebuild(code=2)
    assert "nothing of fleet 'nobody'" in rebuild("--fleet", "nobody", code=2)


def test_an_archive_is_asked_for(rebuild):
    assert "is no archive" in rebuild(code=2)


def test_a_resume_point_only_goes_back(tmp_path):
    file = ResumeFile(tmp_path / "resume-00-15.json")
    file.write({1: Resume("9-0", 90), 2: Resume("5-1", 7)})
    for shard in (1, 2, 3):
        rewind(tmp_path, shard, Resume("5-3", 40))
    assert resume_points(tmp_path) == {1: Resume("5-3", 40), 2: Resume("5-1", 7)}


def test_the_place_of_a_fleet_in_redis_is_what_was_thought(run, logs, drive, client):
    logs.append("depot", drive[:50])
    run().to_end()
    assert int(client.hget(fleet_key("fleet", "depot"), "position")) - 1 == logs.entries("depot")[-1].position
