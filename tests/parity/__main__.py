"""`python -m tests.parity` makes every recorded case again and prints how far it is from the recording."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

from tests.parity.replay import cases, make_data, replay, start, table


def main() -> None:
    """Print the table of docs/parity.md."""
    logging.basicConfig(level=logging.WARNING)
    with tempfile.TemporaryDirectory() as folder:
        application = start(make_data(Path(folder) / "data"))
        try:
            for row in table(replay(case, application) for case in cases()):
                print(row, flush=True)
        finally:
            application.close()


if __name__ == "__main__":
    main()
