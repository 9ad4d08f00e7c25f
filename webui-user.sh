#!/usr/bin/env bash
# Your own settings for ./webui.sh, read at every start. Take the # off a line to use it.

# Flags for every start, for example "--listen --port 7861 --api". All of them: docs/flags.md
#export COMMANDLINE_ARGS=""

# The Python that makes the environment (3.11, 3.12, 3.13 or 3.14)
#python_cmd="python3.14"

# The folder of the environment; "-" uses the Python above as it is and installs nothing
#venv_dir="venv"

# Another list of packages than requirements.lock
#export REQS_FILE="requirements.lock"
