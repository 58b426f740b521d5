"""How the engine ends, and what it says with its exit code."""

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from stream.live.keys import fleet_key
from stream.live.run import run as run_to_its_end


def test_a_stop_between_two_reads_is_a_clean_end_that_everything_goes_on_from(run, logs, drive, settings):
    """As after SIGTERM: all that was read is written and in a checkpoint, and no trim follows."""
    own = settings.model_copy(update={"batch": 30})
    for first in range(0, len(drive), 10):
        logs.append("depot", drive[first : first + 10])
    reads = iter([False] * 3)
    state = logs.redis.hget
    one = run(settings=own)
    stopping = one.source.stopping
    one.source.stopping = lambda: next(reads, True) or stopping()
    one.to_end()
    assert 0 < int(state(fleet_key("fleet", "depot"), "sequence") or 0) < len(logs.plainly("depot")[0])
    run(settings=own).to_end()
    assert logs.are_whole("depot")


class Gone:
    """A client whose server goes after so many pipelines and never comes back."""

    def __init__(self, redis, pipelines):
        self.redis, self.left = redis, pipelines

    def __getattr__(self, name):
        return getattr(self.redis, name)

    def pipeline(self, **more):
        self.left -= 1
        if self.left < 0:
            raise RedisConnectionError("nobody is there")
        return self.redis.pipeline(**more)


@pytest.mark.parametrize("pipelines", range(4))
def test_who_waits_for_a_redis_that_never_comes_back_can_be_ended(run, logs, drive, settings, client, hurry, pipelines):
    logs.append("depot", drive)
    asked = iter(range(1_000))
    assert run_to_its_end(settings, Gone(client, pipelines), range(16), 0, lambda: next(asked) > 20) == 0
    run().to_end()
    assert logs.are_whole("depot")


def test_another_engine_on_the_same_fleets_ends_the_first_with_its_own_exit_code(run, logs, drive, settings, client, tmp_path):
    logs.append("depot", drive[:50])
    other = run(settings=settings.model_copy(update={"state_dir": tmp_path / "other"}))
    polls = iter(range(100))

    def stopping():
        if next(polls) == 2:
            logs.append("depot", drive[50:])
            other.to_end()
        return False

    assert run_to_its_end(settings.model_copy(update={"batch": 30}), client, range(16), 0, stopping) == 75
    assert logs.are_whole("depot")


@pytest.mark.parametrize("name", ["depot.checkpoint", "resume-00-15.json"])
def test_a_file_that_cannot_be_used_is_named_and_ends_it_with_its_own_exit_code(run, logs, drive, settings, client, name, capsys):
    logs.append("depot", drive)
    run().to_end()
    (settings.state_dir / "checkpoints" / name).write_bytes(b"{")
    assert run_to_its_end(settings, client, range(16), 0, lambda: False) == 78
    assert name in capsys.readouterr().out
