# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole module on real files."""

from __future__ import annotations

import grp
import json
import math
import os
import pwd
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args
from ansible_collections.aiportal.scaling.plugins.modules import config_files

Run = Callable[..., dict[str, Any]]
Say = Callable[[float], None]
ME = {"owner": pwd.getpwuid(os.getuid()).pw_name, "group": grp.getgrgid(os.getgid()).gr_name}


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    def run_module(check: bool = False, **options: Any) -> dict[str, Any]:
        with patch_module_args({**options, "_ansible_check_mode": check, "_ansible_diff": True}), pytest.raises(SystemExit):
            config_files.main()
        answer: dict[str, Any] = json.loads(capsys.readouterr().out)
        return answer

    before = os.umask(0o022)
    yield run_module
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_all_is_made_once(run: Run, tmp_path: Path) -> None:
    folder, plain, secret = tmp_path / "etc", tmp_path / "etc" / "plain", tmp_path / "etc" / "secret"
    options = {
        "directories": [{"path": str(folder), "mode": "0750", **ME}],
        "files": [
            {"dest": str(plain), "content": "a\n", **ME},
            {"dest": str(secret), "secret": "hush\n", "mode": "0600", **ME},
        ],
    }

    predicted = run(check=True, **options)
    untouched = not folder.exists()
    first = run(**options)
    second = run(**options)

    assert untouched
    assert first["changed_paths"] == predicted["changed_paths"] == [str(folder), str(plain), str(secret)]
    assert (plain.read_text(), secret.read_text()) == ("a\n", "hush\n")
    assert (mode(folder), mode(plain), mode(secret)) == (0o750, 0o644, 0o600)
    assert not second["changed"]
    assert second["changed_paths"] == []


def test_only_what_differs_is_changed(run: Run, tmp_path: Path) -> None:
    same, other = tmp_path / "same", tmp_path / "other"
    same.write_text("a\n")
    other.write_text("b\n")
    files = [{"dest": str(same), "content": "a\n", **ME}, {"dest": str(other), "content": "c\n", **ME}]

    predicted = run(check=True, files=files)
    untouched = other.read_text()
    done = run(files=files)

    assert untouched == "b\n"
    assert predicted["changed_paths"] == done["changed_paths"] == [str(other)]
    assert done["diff"] == [{"before_header": str(other), "before": "b\n", "after_header": str(other), "after": "c\n"}]


def test_a_mode_alone_is_a_change(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("a\n")
    file.chmod(0o666)
    files = [{"dest": str(file), "content": "a\n", "mode": "0640", **ME}]

    assert run(check=True, files=files)["changed_paths"] == [str(file)]
    assert mode(file) == 0o666
    assert run(files=files)["changed_paths"] == [str(file)]
    assert mode(file) == 0o640
    assert not run(files=files)["changed"]


def test_secrets_are_not_shown(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("old-hush\n")
    answer = json.dumps(run(files=[{"dest": str(file), "secret": "new-hush\n", **ME}]))
    assert "hush" not in answer
    assert file.read_text() == "new-hush\n"


def test_what_does_not_pass_is_not_put_in_place(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("good\n")
    answer = run(files=[{"dest": str(file), "content": "bad\n", "validate": "/bin/grep -q good %s", **ME}])
    assert answer["failed"]
    assert f"{file} was left as it is, the new text does not pass /bin/grep" in answer["msg"]
    assert file.read_text() == "good\n"
    assert run(files=[{"dest": str(file), "content": "good too\n", "validate": "/bin/grep -q good %s", **ME}])["changed"]


def test_a_check_that_is_not_installed_yet_is_left_out_of_a_dry_run(run: Run, tmp_path: Path) -> None:
    files = [{"dest": str(tmp_path / "file"), "content": "a\n", "validate": "/nowhere/check %s", **ME}]
    assert run(check=True, files=files)["changed"]
    assert run(files=files)["failed"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        pytest.param({"files": [{"dest": "{tmp}", "content": "a"}]}, "is a directory and is to be a file", id="directory-for-file"),
        pytest.param({"directories": [{"path": "{tmp}/there"}]}, "is no directory: move it away", id="file-for-directory"),
        pytest.param({"files": [{"dest": "{tmp}/a"}]}, "one of the following is required: content, secret", id="no-text"),
    ],
)
def test_refused(run: Run, tmp_path: Path, options: dict[str, Any], sentence: str) -> None:
    (tmp_path / "there").write_text("")
    answer = run(**json.loads(json.dumps(options).replace("{tmp}", str(tmp_path))))
    assert answer["failed"]
    assert sentence in answer["msg"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "# BEGIN x\nours = 1\n# END x\n"),
        ("theirs = 2", "theirs = 2\n# BEGIN x\nours = 1\n# END x\n"),
        ("a\n# BEGIN x\nours = 0\nmore\n# END x\nb\n", "a\n# BEGIN x\nours = 1\n# END x\nb\n"),
    ],
)
def test_a_block_of_a_file(run: Run, tmp_path: Path, before: str | None, after: str) -> None:
    path = tmp_path / "shared"
    if before is not None:
        path.write_text(before)
    options = {"files": [{"dest": str(path), "content": "ours = 1", "marker": "# {mark} x", **ME}]}

    predicted = run(check=True, **options)
    first = run(**options)
    second = run(**options)

    assert first["changed_paths"] == predicted["changed_paths"] == [str(path)]
    assert path.read_text() == first["diff"][0]["after"] == after
    assert not second["changed"]


@pytest.mark.parametrize("text", ["# BEGIN x\n", "# END x\n# BEGIN x\n", "# BEGIN x\n# END x\n# BEGIN x\n# END x\n"])
def test_marks_that_are_no_pair_are_left_to_a_human(run: Run, tmp_path: Path, text: str) -> None:
    path = tmp_path / "shared"
    path.write_text(text)

    answer = run(files=[{"dest": str(path), "content": "ours", "marker": "# {mark} x", **ME}])

    assert "has not one # BEGIN x and after it one # END x: mend it by hand" in answer["msg"]
    assert path.read_text() == text


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Say:
    """Says, as systemd does, at which microsecond of the monotonic clock the unit changed its state; 0 if it never did."""

    def say(seconds_ago: float) -> None:
        moment = int(max(0, time.monotonic() - seconds_ago) * 1e6)
        (tmp_path / "bin").mkdir(exist_ok=True)
        program = tmp_path / "bin" / "systemctl"
        asked = "show --property=StateChangeTimestampMonotonic --value example.service"
        program.write_text(f'#!/bin/sh\n[ "$*" = "{asked}" ] && echo {moment}\n')
        program.chmod(0o755)

    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    return say


def written(path: Path, seconds_ago: float) -> dict[str, Any]:
    path.write_text("a\n")
    os.utime(path, times=(time.time() - seconds_ago,) * 2)
    return {"files": [{"dest": str(path), "content": "a\n", **ME}], "services": [{"name": "example.service", "files": [str(path)]}]}


@pytest.mark.parametrize(
    ("file_age", "service_age", "outdated"),
    [
        pytest.param(60, 30, False, id="read"),
        pytest.param(30, 60, True, id="killed-before-the-restart"),
        pytest.param(60, math.inf, True, id="never-ran"),
        pytest.param(-3600, 60, False, id="clock-put-back"),
    ],
)
def test_what_a_service_has_not_read(run: Run, tmp_path: Path, systemctl: Say, file_age: float, service_age: float, outdated: bool) -> None:
    path = tmp_path / "file"
    options = written(path, file_age)
    systemctl(service_age)

    answer = run(**options)

    assert not answer["changed"]
    assert answer["outdated"] == {"example.service": [str(path)] if outdated else []}


def test_what_a_service_will_not_have_read(run: Run, tmp_path: Path, systemctl: Say) -> None:
    path = tmp_path / "file"
    options = written(path, 60)
    options["files"][0]["content"] = "b\n"
    systemctl(30)

    assert run(check=True, **options)["outdated"] == run(**options)["outdated"] == {"example.service": [str(path)]}
    assert run(**options)["outdated"] == {"example.service": [str(path)]}
    systemctl(0)
    assert run(**options)["outdated"] == {"example.service": []}
