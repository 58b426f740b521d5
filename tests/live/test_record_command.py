"""`fleetcast-replay record` as people call it."""

import fcntl

from typer.testing import CliRunner

from replay.__main__ import app


def test_the_command_records_what_is_there_and_a_second_one_is_refused(client, redis_url, tmp_path, monkeypatch, logs, drive):
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("FLEETCAST_STATE_DIR", str(tmp_path / "state"))
    logs.append("depot", drive)
    command = ["record", str(tmp_path / "kept"), "--once"]
    done = CliRunner().invoke(app, command)
    assert (done.exit_code, f"holds {len(logs.entries('depot'))} messages" in done.output) == (0, True), done.output
    with (tmp_path / "kept/recorder.lock").open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        refused = CliRunner().invoke(app, command)
    assert (refused.exit_code, "records into" in refused.output) == (75, True)
    scored = CliRunner().invoke(app, ["score", str(tmp_path / "kept"), "--quiet"])
    assert scored.exit_code == 0, scored.output
