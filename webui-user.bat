@echo off
rem Your own settings for Easel on Windows. Start the program by running this file.

rem The Python that makes the environment (3.11, 3.12, 3.13 or 3.14); empty: the newest of these that is installed
set PYTHON=

rem The folder of the environment; empty: venv. A single - uses the Python above as it is and installs nothing
set VENV_DIR=

rem Flags for every start, for example --listen --port 7861 --api. All of them: docs\flags.md
set COMMANDLINE_ARGS=

call "%~dp0webui.bat" %*
