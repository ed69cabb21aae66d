"""Progress on a terminal and in a log file, and the guard that keeps tests off the network."""

from __future__ import annotations

import itertools
import socket
import subprocess
import sys

import pytest

from emo import console
from emo.console import Answer, ConsoleProgress, show


def test_progress_in_a_log_file_is_a_line_every_few_seconds_with_an_estimate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = itertools.count(step=2.0)
    monkeypatch.setattr(console.time, "monotonic", lambda: next(seconds))
    with ConsoleProgress()("capturing a.mp4", total=10) as advance:
        for _ in range(5):
            advance(1)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == "capturing a.mp4: 30%, about 14 s left\n"


def test_progress_of_unknown_length_says_how_long_it_has_been(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seconds = itertools.count(step=6.0)
    monkeypatch.setattr(console.time, "monotonic", lambda: next(seconds))
    with ConsoleProgress()("fitting", total=None) as advance:
        advance(1)
    assert capsys.readouterr().err == "fitting: 6 s so far\n"


def test_short_work_prints_nothing_into_a_log_file(capsys: pytest.CaptureFixture[str]) -> None:
    with ConsoleProgress()("fitting", total=2) as advance:
        advance(2)
    assert capsys.readouterr() == ("", "")


def test_progress_on_a_terminal_shows_each_task_and_leaves_the_cursor_visible(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    progress = ConsoleProgress()
    with pytest.raises(KeyboardInterrupt), progress("all [of] them", total=2) as outer:
        with progress("one", total=1) as inner:
            inner(1)
        outer(1)
        raise KeyboardInterrupt
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "all [of] them" in printed.err
    assert printed.err.rindex("\x1b[?25h") > printed.err.rindex("\x1b[?25l")


def test_json_has_the_notes_and_keeps_letters_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    show(Answer(lines=["unused"], document={"person": "Zoë"}, notes=["two\nlines"]), as_json=True)
    printed = capsys.readouterr()
    assert printed.out == '{\n  "person": "Zoë",\n  "notes": [\n    "two\\nlines"\n  ]\n}\n'
    assert printed.err == "note: two lines\n"


def test_no_test_reaches_the_network() -> None:
    with pytest.raises(RuntimeError, match="reached for the network"):
        socket.create_connection(("192.0.2.1", 80), timeout=1)
    with pytest.raises(RuntimeError, match="reached for the network"), socket.socket() as unconnected:
        unconnected.connect(("192.0.2.1", 80))


def test_no_process_of_a_test_reaches_the_network() -> None:
    code = "import socket; socket.socket().connect(('192.0.2.1', 80))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "RuntimeError: a test reached for the network" in done.stderr
