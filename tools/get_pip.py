"""Stands in for the get-pip.py that ansible-test would download from its own server: installs what it is asked for by uv, else by pip."""

from __future__ import annotations

import ensurepip
import os
import shutil
import subprocess
import sys

packages = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
if uv := shutil.which("uv"):
    sys.exit(subprocess.call([uv, "pip", "install", "-q", "--system-certs", "--python", sys.executable, *packages]))

environment = {key: value for key, value in os.environ.items() if key != "GET_PIP"}
ensurepip.bootstrap()  # deletes every PIP_ variable, among them the machine's certificate authority: hence the copy above
sys.exit(subprocess.call([sys.executable, "-m", "pip", "install", "-q", *packages], env=environment))
