"""The commands as a person meets them."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from replay.__main__ import app
from replay.exception_lines import ExceptionLines
from replay.score import fleet_settings
from stream.apply import Applied
from stream.outputs import Numbered, Outputs

ROOT = Path(__file__).resolve().parents[2]
run = CliRunner().invoke


@pytest.fixture(scope="module")
def told(morning, tmp_path_factory):
    """A morning, scored on the command line."""
    out = tmp_path_factory.mktemp("out")
    return run(app, ["score", str(morning), "--out", str(out)]), out


def test_a_day_is_made_and_what_was_made_is_told(tmp_path):
    made = run(app, ["make-day", str(tmp_path / "day"), "--seed", "5", "--fleets", "1", "--vehicles", "1"])
    assert made.exit_code == 0
    assert "from seed 5: 1 fleet, 1 vehicle, " in made.output
    assert f"fleetcast-replay score {tmp_path / 'day'}" in made.output
    assert (tmp_path / "day" / "pings.parquet").exists()


def test_of_a_day_that_is_made_aside_nobody_is_told_where_it_lies_meanwhile(tmp_path):
    made = run(app, ["make-day", str(tmp_path / "day.part"), "--vehicles", "1"])
    assert (made.exit_code, "next: " in made.output) == (0, False)


def test_a_day_is_not_made_over_other_files_unless_forced(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine")
    refused = run(app, ["make-day", str(tmp_path), "--vehicles", "1"])
    assert (refused.exit_code, "is not empty" in refused.stderr) == (2, True)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    assert run(app, ["make-day", str(tmp_path), "--vehicles", "1", "--force"]).exit_code == 0
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_score_ends_with_the_scorecard_and_where_the_files_are(told):
    result, out = told
    assert result.exit_code == 0, result.output
    for words in (
        "ETA error, s, by true minutes to arrival",
        "Late-risk exceptions, by visit",
        "entries received",
        "entries/s",
        "exceptions: ",
    ):
        assert words in result.output
    assert result.output.rstrip().endswith(str(out / "score.json"))
    assert json.loads((out / "score.json").read_text())["digest"] in result.output


def test_without_a_terminal_there_are_no_control_codes_and_no_cut_figures(told):
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", told[0].output)
    assert "…" not in told[0].output


def test_quiet_prints_the_scorecard_but_no_exceptions(morning, told):
    result = run(app, ["score", str(morning), "--engine", "loop", "--quiet", "--time-zone", "Europe/Berlin"])
    assert result.exit_code == 0
    assert "exceptions: " not in result.output
    assert "ETA error" in result.output
    assert "wrote" not in result.output


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["score", "nowhere"], "there is no folder nowhere"),
        (["score", "."], "holds no pings.parquet"),
        (["make-day", "day", "--seed", "-1"], "seed must be 0 or more"),
        (["make-day", "day", "--vehicles", "0"], "vehicles must be between 1 and 999"),
        (["make-day", "file"], "file: "),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence_with_exit_code_2(tmp_path, monkeypatch, command, sentence):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.chdir(tmp_path)
    result = run(app, command)
    assert result.exit_code == 2
    assert sentence in result.stderr
    assert result.stderr.startswith("fleetcast-replay: ")
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "day").exists()


def test_a_time_zone_that_is_none_and_an_out_that_is_a_file_are_refused_in_words(morning, tmp_path):
    (tmp_path / "file").write_text("no folder")
    for options, sentence in ((["--time-zone", "Mars"], "'Mars' is not known"), (["--out", str(tmp_path / "file")], "File exists")):
        result = run(app, ["score", str(morning), *options])
        assert (result.exit_code, sentence in result.stderr) == (2, True)


def test_a_truth_that_cannot_be_read_is_no_traceback(morning, tmp_path):
    shutil.copytree(morning, tmp_path / "day")
    (tmp_path / "day" / "arrivals.parquet").write_bytes(b"cut off")
    result = run(app, ["score", str(tmp_path / "day"), "--engine", "loop", "--quiet"])
    assert (result.exit_code, "arrivals.parquet cannot be read" in result.stderr) == (2, True)


def test_help_comes_without_loading_the_engine():
    program = "import sys; from replay.__main__ import app; app(['--help'], standalone_mode=False); print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert "make-day" in done.stdout
    assert not {"'polars'", "'numpy'", "'river'", "'bytewax'"} & set(re.findall(r"'\w+'", done.stdout.splitlines()[-1]))


def exceptions(*phases: str) -> Applied:
    """A stretch that gave `exception_<phase>` events: "opened 3" is of visit 3."""
    events = []
    for sequence, (phase, visit) in enumerate(text.split() for text in phases):
        data = {
            "exception_id": f"f:late_risk:{visit}",
            "exception_kind": "late_risk",
            "detected_at": "2026-03-02T08:00:00Z",
            "vehicle_id": "van-1",
            "stop_id": f"s{visit}",
            "order_ref": "o-7",
            "customer_ref": None,
            "p_late": 0.634,
            "window_end": "2026-03-02T09:30:00Z",
            "eta_p50": "2026-03-02T09:45:00Z",
        }
        more = {"reason": "arrived_late"} if phase == "resolved" else {}
        events.append(Numbered(0, sequence, f"exception_{phase}", json.dumps({"data": data | more}).encode()))
    return Applied("f", 0, 0, 1, events, 0, Outputs().ordered_estimates(), [], [])


def test_an_exception_is_one_line_in_the_local_time_of_its_fleet():
    lines = ExceptionLines(fleet_settings({"f": "America/New_York"}, None), None, with_date=False)
    assert lines.of(exceptions("opened 3", "updated 3", "resolved 3")) == [
        "03:00  LATE RISK  van-1  stop s3 (order o-7)  ETA 04:45, window ends 04:30, P(late) 63 %",
        "03:00  resolved   van-1  stop s3 (order o-7)  arrived late",
    ]
    assert lines.close() == ["exceptions: 1 opened, 1 resolved"]


def test_of_many_exceptions_the_first_are_shown_and_all_are_counted():
    few, every = (ExceptionLines(fleet_settings({"f": "UTC"}, None), most, with_date=True) for most in (2, None))
    stretch = exceptions("opened 1", "opened 2", "opened 3", "resolved 3", "resolved 1", "opened 1", "resolved 1")
    shown = few.of(stretch)
    assert [line.split()[2] + line.split("stop ")[1][:2] for line in shown] == ["LATEs1", "LATEs2", "resolveds1"]
    assert few.close() == ["exceptions: 4 opened, 2 of them not shown (--all-exceptions shows all), 3 resolved"]
    assert len(every.of(stretch)) == 7
