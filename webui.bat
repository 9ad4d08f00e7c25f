@echo off
rem Starts Easel on Windows. At the first start it makes an environment in venv\ and installs what requirements.lock
rem names; every later start goes straight to webui.py. Your own settings go into webui-user.bat, which calls this file.
rem
rem   webui-user.bat [flags]    start with your settings
rem   webui.bat [flags]         start with the defaults

setlocal EnableExtensions DisableDelayedExpansion
cd /d "%~dp0"

rem The flags of webui-user.bat first, so that one typed now wins; cleared, so that webui.py does not read them twice.
set ARGUMENTS=%COMMANDLINE_ARGS% %*
set COMMANDLINE_ARGS=

set "LOCK=requirements.lock"
if defined REQS_FILE set "LOCK=%REQS_FILE%"
if not defined VENV_DIR set "VENV_DIR=venv"
if "%VENV_DIR%"=="-" goto current_python

set "PY=%VENV_DIR%\Scripts\python.exe"
set "STATE=%VENV_DIR%\.easel"
set "LOG=%VENV_DIR%\install.log"

rem The environment keeps a copy of the list it was made from. Equal copies mean there is nothing to install.
if not exist "%PY%" goto make_environment
if exist "%STATE%\installing" goto make_environment
if not exist "%STATE%\requirements.lock" goto install
fc /b "%LOCK%" "%STATE%\requirements.lock" >nul 2>&1
if errorlevel 1 goto install
goto xformers

:make_environment
call :find_python
if errorlevel 1 goto failed
if exist "%STATE%" rmdir /s /q "%VENV_DIR%"
echo Making an environment in %VENV_DIR% ...
%BASE_PYTHON% -m venv "%VENV_DIR%"
if errorlevel 1 (
    echo.
    echo webui.bat: the environment could not be made in %VENV_DIR%. Make room on the disk, or set VENV_DIR in webui-user.bat to a folder you can write to, and start again.
    goto failed
)

:install
if not exist "%STATE%" mkdir "%STATE%"
type nul >"%STATE%\installing"
echo Installing %LOCK% (once; several GB for PyTorch, which takes minutes; progress is in %LOG%) ...
"%PY%" -m pip install --only-binary=:all: --no-input --disable-pip-version-check --progress-bar off -r "%LOCK%" >"%LOG%" 2>&1
if errorlevel 1 goto install_failed
copy /y "%LOCK%" "%STATE%\requirements.lock" >nul
del "%STATE%\installing"
echo Installed.

:xformers
echo %ARGUMENTS% | findstr /c:"--xformers" >nul
if errorlevel 1 goto start
if exist "%STATE%\requirements-xformers.txt" fc /b requirements-xformers.txt "%STATE%\requirements-xformers.txt" >nul 2>&1 && goto start
echo Installing requirements-xformers.txt ...
"%PY%" -m pip install --only-binary=:all: --no-input --disable-pip-version-check --progress-bar off -r requirements-xformers.txt >"%LOG%" 2>&1
if errorlevel 1 (
    echo.
    echo webui.bat: xformers could not be installed. Start without --xformers: PyTorch's own attention is used then. pip's own words: %LOG%
    goto failed
)
copy /y requirements-xformers.txt "%STATE%\requirements-xformers.txt" >nul
goto start

:current_python
call :find_python
if errorlevel 1 goto failed
%BASE_PYTHON% webui.py %ARGUMENTS%
exit /b %errorlevel%

:start
"%PY%" webui.py %ARGUMENTS%
exit /b %errorlevel%

rem ---------------------------------------------------------------- finding Python

:find_python
set "PROBE=import struct, sys, sysconfig; sys.exit(not ((3, 11) <= sys.version_info[:2] <= (3, 14) and struct.calcsize('P') == 8 and not sysconfig.get_config_var('Py_GIL_DISABLED')))"
if not defined PYTHON goto search
set BASE_PYTHON="%PYTHON:"=%"
%BASE_PYTHON% -c "%PROBE%" >nul 2>&1
if not errorlevel 1 exit /b 0
echo %BASE_PYTHON%, the Python named in webui-user.bat, is not a 64-bit Python 3.11, 3.12, 3.13 or 3.14; looking for another.
:search
for %%c in ("py -3.14" "py -3.13" "py -3.12" "py -3.11" "python" "python3") do (
    %%~c -c "%PROBE%" >nul 2>&1 && set "BASE_PYTHON=%%~c" && exit /b 0
)
echo.
echo webui.bat: Easel needs a 64-bit Python 3.11, 3.12, 3.13 or 3.14 and found none. Install one from https://www.python.org/downloads/ and start again, or name it in webui-user.bat: set PYTHON=C:\path\to\python.exe
exit /b 1

rem ---------------------------------------------------------------- what went wrong

:install_failed
findstr /c:"No space left" /c:"not enough space" "%LOG%" >nul
if not errorlevel 1 (
    echo.
    echo webui.bat: the disk is full. Make room, or set VENV_DIR in webui-user.bat to a folder on another disk, and start again. pip's own words: %LOG%
    goto failed
)
findstr /c:"NewConnectionError" /c:"Max retries exceeded" /c:"getaddrinfo failed" /c:"timed out" /c:"ProxyError" /c:"SSLError" /c:"Connection" "%LOG%" >nul
if not errorlevel 1 (
    echo.
    echo webui.bat: the packages could not be downloaded, because the package index cannot be reached. Connect to the internet, or set PIP_INDEX_URL or HTTPS_PROXY, and start again. pip's own words: %LOG%
    goto failed
)
echo.
echo The last lines of %LOG%:
powershell -NoProfile -Command "Get-Content -LiteralPath $env:LOG -Tail 12"
echo.
echo webui.bat: pip could not install %LOCK%. The lines above say why; correct that and start again.

:failed
rem Keep the window open when the file was double-clicked.
if not defined CI pause
exit /b 1
