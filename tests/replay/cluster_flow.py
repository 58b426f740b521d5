"""One process of a Bytewax cluster that runs a day: `python cluster_flow.py DAY_DIR SPOOL_DIR PROCESS ADDRESS;ADDRESS`."""

import sys
from pathlib import Path

from bytewax.testing import cluster_main

from replay.read_day import read_day
from replay.run_day import DayRun
from replay.score import fleet_settings
from replay.spool import Spool


def run_process(day_dir: Path, spool: Path, process: int, addresses: list[str]) -> None:
    day = read_day(day_dir)
    run = DayRun(day.log, fleet_settings(day.fleets, None), Spool(spool))
    cluster_main(run.flow(lanes=2), addresses, process)
    print(" ".join(sorted(run.states)))


if __name__ == "__main__":
    run_process(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4].split(";"))
