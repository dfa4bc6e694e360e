#!/usr/bin/python
# Copyright: (c) 2026, aiportal.scaling contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: config_files
short_description: Write the files of a configuration in one go
version_added: 0.1.0
description:
  - Makes directories and writes files, each in one step, and only what differs.
  - One connection for all of them, where M(ansible.builtin.template) takes two for each file. On three nodes with eight files
    that was half of a run that changes nothing.
  - Content comes from the controller as text, for templates by P(ansible.builtin.template#lookup).
author:
  - aiportal.scaling contributors (@aiportal)
extends_documentation_fragment:
  - aiportal.scaling._attributes
  - aiportal.scaling._attributes.actiongroup
attributes:
  check_mode:
    support: full
  diff_mode:
    support: partial
    details:
      - What is given as O(files[].secret) is not shown.
  idempotent:
    support: full
options:
  directories:
    description: Made first, in this order, each in one that exists.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: The directory.
        type: path
        required: true
      owner:
        description: Its owner.
        type: str
        default: root
      group:
        description: Its group.
        type: str
        default: root
      mode:
        description: Its permissions.
        type: raw
        default: "0755"
  files:
    description: Written in this order.
    type: list
    elements: dict
    default: []
    suboptions:
      dest:
        description: The file.
        type: path
        required: true
      content:
        description: All of its text. This or O(files[].secret) is required.
        type: str
      secret:
        description: All of its text, which is not logged and not shown as a difference.
        type: str
      marker:
        description:
          - A line with C({mark}), which is C(BEGIN) and C(END) in the file.
          - The text is what lies between the two, the rest of the file is somebody else's.
          - As that of M(ansible.builtin.blockinfile). A file without the two lines gets them at its end.
        type: str
      owner:
        description: Its owner.
        type: str
        default: root
      group:
        description: Its group.
        type: str
        default: root
      mode:
        description: Its permissions. A file that is new has no more than V(0600) until they are set.
        type: raw
        default: "0644"
      validate:
        description: A command that has to end well before a text that differs is put in place; C(%s) in it is a file with the text.
        type: str
  services:
    description: Units of systemd that read the files, to learn from RV(outdated) which of them have not read what is written there.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The unit, with its suffix.
        type: str
        required: true
      files:
        description: What it reads when it starts or reloads, and its own unit file. Other files than O(files[].dest) may be among them.
        type: list
        elements: path
        required: true
"""

EXAMPLES = r"""
- name: Write the configuration
  aiportal.scaling.config_files:
    directories:
      - path: /etc/example
    files:
      - dest: /etc/example/example.conf
        content: "{{ lookup('ansible.builtin.template', 'example.conf.j2') }}"
        validate: /usr/sbin/example --check %s
      - dest: /etc/example/shared.conf
        content: "threads = 8"
        marker: "# {mark} example"
      - dest: /etc/example/password
        secret: "{{ example_password }}"
        mode: "0600"
    services:
      - name: example.service
        files: [/etc/example/example.conf]
  register: written

- name: Let the service read what it has not
  ansible.builtin.systemd_service:
    name: example.service
    state: "{{ 'restarted' if written.outdated['example.service'] else 'started' }}"
"""

RETURN = r"""
changed_paths:
  description: Directories and files that were changed, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [/etc/example/example.conf]
outdated:
  description:
    - For each of O(services) those of its files that were written, or would be in check mode, after it last started, stopped or reloaded.
    - By the times of the files, hence also after a run that was killed before it could restart the service.
    - All of them for a unit that never ran. A file whose time is in the future is left out.
  returned: success
  type: dict
  sample: {"example.service": ["/etc/example/example.conf"]}
"""

import os
import shlex
from collections.abc import Iterator
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.aiportal.scaling.plugins.module_utils._outdated import outdated

ATTRIBUTES: dict[str, dict[str, Any]] = {"owner": {"type": "str", "default": "root"}, "group": {"type": "str", "default": "root"}}
ARGUMENTS: dict[str, dict[str, Any]] = {
    "directories": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"path": {"type": "path", "required": True}, **ATTRIBUTES, "mode": {"type": "raw", "default": "0755"}},
    },
    "files": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "dest": {"type": "path", "required": True},
            "content": {"type": "str"},
            "secret": {"type": "str", "no_log": True},
            "marker": {"type": "str"},
            **ATTRIBUTES,
            "mode": {"type": "raw", "default": "0644"},
            "validate": {"type": "str"},
        },
        "mutually_exclusive": [["content", "secret"]],
        "required_one_of": [["content", "secret"]],
    },
    "services": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {"name": {"type": "str", "required": True}, "files": {"type": "list", "elements": "path", "required": True}},
    },
}
HIDDEN = "(a secret)\n"


class ConfigError(Exception):
    """A file that cannot be written as it is wanted."""


class ConfigFiles:
    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.diffs: list[dict[str, str]] = []

    def run(self) -> Iterator[str]:
        """The paths that were changed."""
        for entry in self.module.params["directories"]:
            if self._directory(entry):
                yield entry["path"]
        for entry in self.module.params["files"]:
            if self._file(entry):
                yield entry["dest"]

    def _directory(self, entry: dict[str, Any]) -> bool:
        path: str = entry["path"]
        if os.path.isdir(path):
            return self._attributes(path, entry, False)
        if os.path.lexists(path):
            raise ConfigError(f"{path} is there and is no directory: move it away")
        self.diffs.append({"before_header": path, "before": "", "after_header": path, "after": "(a directory)\n"})
        if not self.module.check_mode:
            os.mkdir(path, 0o700)
            self._attributes(path, entry, True)
        return True

    def _file(self, entry: dict[str, Any]) -> bool:
        dest, secret = entry["dest"], entry["content"] is None
        wanted: str = entry["secret"] if secret else entry["content"]
        before = read(dest)
        if entry["marker"]:
            wanted = with_block(dest, before or "", wanted, entry["marker"])
        if before == wanted:
            return self._attributes(dest, entry, False)
        shown = (HIDDEN if before else "", HIDDEN.replace("a", "another", 1)) if secret else (before or "", wanted)
        self.diffs.append({"before_header": dest, "before": shown[0], "after_header": dest, "after": shown[1]})
        self._put(dest, wanted, entry["validate"])
        # In check mode a group may not be there yet either.
        if not (self.module.check_mode and before is None):
            self._attributes(dest, entry, True)
        return True

    def _put(self, dest: str, wanted: str, validate: str | None) -> None:
        scratch = os.path.join(self.module.tmpdir, os.path.basename(dest))
        with open(scratch, "w", encoding="utf-8") as file:
            file.write(wanted)
        if validate and not (self.module.check_mode and not os.path.exists(shlex.split(validate)[0])):
            code, output, error = self.module.run_command(validate % shlex.quote(scratch))
            if code != 0:
                raise ConfigError(
                    f"{dest} was left as it is, the new text does not pass {shlex.split(validate)[0]}: {(error or output).strip()}"
                )
        if not self.module.check_mode:
            self.module.atomic_move(scratch, dest)

    def _attributes(self, path: str, entry: dict[str, Any], changed: bool) -> bool:
        wanted = {key: entry[key] for key in ("owner", "group", "mode")}
        return bool(self.module.set_fs_attributes_if_different(self.module.load_file_common_arguments(wanted, path=path), changed))


def with_block(path: str, text: str, block: str, marker: str) -> str:
    """The text with the block between its two marks, in the place that it has, or at the end."""
    begin, end = (marker.replace("{mark}", mark) + "\n" for mark in ("BEGIN", "END"))
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    marks = [number for number, line in enumerate(lines) if line in (begin, end)]
    if [lines[number] for number in marks] not in ([], [begin, end]):
        raise ConfigError(f"{path} has not one {begin.strip()} and after it one {end.strip()}: mend it by hand")
    first, last = (marks[0], marks[1] + 1) if marks else (len(lines), len(lines))
    return "".join([*lines[:first], begin, block.rstrip("\n") + "\n", end, *lines[last:]])


def read(path: str) -> str | None:
    """None where there is no such file. What is no text differs from any."""
    try:
        with open(path, encoding="utf-8", errors="surrogateescape", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except IsADirectoryError:
        raise ConfigError(f"{path} is a directory and is to be a file: move it away") from None


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    os.umask(0o077)  # a new file is its owner's alone until its mode is set
    files = ConfigFiles(module)
    try:
        changed = list(files.run())
        unread = {unit["name"]: outdated(module, unit["name"], unit["files"], changed) for unit in module.params["services"]}
    except (ConfigError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(changed), changed_paths=changed, outdated=unread, diff=files.diffs)


if __name__ == "__main__":
    main()
