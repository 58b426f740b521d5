"""The command `play` as a person meets it: on a terminal, on none, and with what is wrong."""

import os
import select
import signal
import subprocess
import sys
import termios
import time
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from replay.__main__ import app
from replay.controls import ending
from replay.play import State
from replay.play_screen import how_it_goes
from replay.read_day import read_day
from stream.live.keys import log_key
from stream.live.log_entry import unpack
from stream.log import shard_of
from stream.moments import instant

ROOT = Path(__file__).resolve().parents[2]
run = CliRunner().invoke


@pytest.fixture(scope="module")
def day(short_day, tmp_path_factory):
    """The begin of a made day in Nairobi, and its plans until the afternoon."""
    return short_day(tmp_path_factory.mktemp("days") / "played", seed=3, fleets=1, vehicles=2, hours=1.4)


def local(day, where):
    """Hours and minutes in Nairobi, three hours ahead, at the begin or the end of the day."""
    return f"{instant(read_day(day).log.span_us()[where]) + timedelta(hours=3):%m-%d %H:%M}"


def received(redis):
    """When the entries of fleet f01 in the log were received."""
    log = redis.xrange(log_key(shard_of("f01")))
    return [entry.received_us for stream_id, fields in log for entry in unpack(stream_id, fields)]


def test_the_command_plays_tells_every_tenth_and_says_where_to_look(redis, redis_url, day):
    done = run(app, ["play", str(day), "--speed", "0", "--redis", redis_url])
    assert done.exit_code == 0, done.output
    first, *tenths, appended, behind, following = done.output.splitlines()
    begin, end = local(day, 0), local(day, -1)
    assert first.startswith(f"playing {day} as fleet f01: {begin} to {end} (Africa/Nairobi); what was before 12-23 07:1")
    assert tenths[-1].startswith(f"{end[6:]}  100%  as fast as it will go, ")
    assert appended.startswith(f"appended {len(received(redis)):,} entries of 1 driven fleet in ")
    assert appended.endswith(f"log time has come to {end} (Africa/Nairobi)")
    assert behind == f"the engine has {len(received(redis)):,} entries still to take"
    assert "/v1/exceptions" in following


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--seek", "25:00"], "--seek was '25:00': give a time of day such as 08:30"),
        (["--seek", "noon"], "--seek was 'noon'"),
        (["--until", "05:00"], "--until 05:00 is not between 12-23 0"),
        (["--seek", "08:00", "--until", "07:59"], "--until 07:59 is not between 12-23 08:00 and "),
        (["--fleet-prefix", "a b"], "'a bf01' cannot be the id of a fleet"),
        (["--redis", "unix:///nowhere/redis.sock"], "No such file"),
    ],
)
def test_what_is_wrong_with_a_play_is_said_in_one_sentence(redis, redis_url, day, options, sentence):
    done = run(app, ["play", str(day), "--redis", redis_url, *options])
    assert (done.exit_code, done.stderr.count("\n")) == (2, 1)
    assert sentence in done.stderr
    assert redis.dbsize() == 0


def test_seek_and_until_are_times_of_day_of_the_fleet(redis, redis_url, day):
    done = run(app, ["play", str(day), "--speed", "60000", "--seek", "08:30", "--until", "08:40", "--redis", redis_url])
    assert "to 12-23 08:40 (Africa/Nairobi); what was before 12-23 08:30 goes at once" in done.output
    day_us, minute_us = 86_400_000_000, 60_000_000
    begin, *_, end = (moment % day_us // minute_us for moment in received(redis))
    assert (f"{begin // 60 + 3:02}:{begin % 60:02}", end) == (local(day, 0)[6:], 5 * 60 + 40)


def test_a_line_says_speed_rate_and_how_far_the_engine_is():
    state = State(0, 10, 1_234.5, 60.0, paused=False, held=False, lag_us=6_000_000)
    assert how_it_goes(state) == "60x, 1,234 entries/s, engine 6 s of log behind"
    assert how_it_goes(state._replace(paused=True, speed=0.5)).startswith("paused, ")
    assert how_it_goes(state._replace(speed=0.0, held=True, lag_us=None)).endswith("engine has taken nothing yet, waiting for it")


def playing(day, redis_url, *options, **more):
    program = [sys.executable, "-m", "replay", "play", str(day), "--redis", redis_url, *options]
    return subprocess.Popen(program, cwd=ROOT, **more)


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_sigterm_ends_it_cleanly(redis, redis_url, day):
    process = playing(day, redis_url, "--speed", "1", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: redis.exists(log_key(shard_of("f01"))))
    process.terminate()
    out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    assert f"appended {len(received(redis)):,} entries" in out


def test_ctrl_c_is_as_sigterm_and_afterwards_what_it_was():
    # What runs in the background of a shell ignores Ctrl-C from its start.
    before, told = signal.signal(signal.SIGINT, signal.default_int_handler), []
    with ending(lambda: told.append("stop")):
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    assert told == ["stop", "stop"]
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)
    signal.signal(signal.SIGINT, before)


def test_on_a_terminal_keys_are_answered_and_it_is_left_as_it_was(redis, redis_url, day):
    ours, its = os.openpty()
    before = termios.tcgetattr(its)
    process = playing(day, redis_url, "--speed", "1", stdin=its, stdout=its, stderr=its, preexec_fn=lambda: os.login_tty(os.dup(its)))
    shown = b""

    def has_shown(words):
        nonlocal shown
        while select.select([ours], [], [], 0)[0]:
            shown += os.read(ours, 65_536)
        return words in shown

    for keys, words in ((b"", b"1x, "), (b"++", b"4x, "), (b"-", b"2x, "), (b" ", b"paused, "), (b"f", b"07:21"), (b"q", b"next: ")):
        os.write(ours, keys)
        wait_for(lambda words=words: has_shown(words))
    assert process.wait(timeout=20) == 0
    assert termios.tcgetattr(its) == before
    assert b"space pause" in shown
    os.close(ours)
    os.close(its)
