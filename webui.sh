#!/usr/bin/env bash
# Starts Easel on Linux and macOS. At the first start it makes an environment in venv/ and installs what
# requirements.lock names; every later start goes straight to webui.py.
#
#   ./webui.sh [flags]              start (the flags are listed by ./webui.sh --help and in docs/flags.md)
#   ./webui.sh test [pytest args]   make the same environment with the test tools and run every check
#
# Settings for each start (python_cmd, venv_dir, COMMANDLINE_ARGS, ...) go into webui-user.sh beside this file.
# Written for bash 3.2, which is what macOS has.

script=$0
while [ -L "$script" ]; do
    target=$(readlink "$script")
    case $target in /*) script=$target ;; *) script=${script%/*}/$target ;; esac
done
case $script in */*) cd "${script%/*}" || exit 1 ;; esac
root=$PWD

say() { printf '%s\n' "$*" >&2; }
fail() { say "" "webui.sh: $*"; exit 1; }

if [ -f webui-user.sh ]; then
    # As an editor on Windows may have left it: with its line ends, and a mark at the beginning.
    written=$(<webui-user.sh)
    plain=${written//$'\r'/}
    plain=${plain#$'\xef\xbb\xbf'}
    if [ "$plain" = "$written" ]; then
        # shellcheck source=/dev/null
        source ./webui-user.sh
    else
        eval "$plain"
    fi
fi

venv_dir=${venv_dir:-venv}
lock=${REQS_FILE:-requirements.lock}
versions="3.14 3.13 3.12 3.11"  # those whose packages exist ready-made, in the order in which they are looked for
supported="3.11, 3.12, 3.13 or 3.14"

# ---------------------------------------------------------------- what was asked

mode=start
if [ "${1:-}" = test ]; then
    mode=test
    shift
    [ -n "${REQS_FILE:-}" ] || lock=requirements-test.lock
fi

# COMMANDLINE_ARGS first, so that a flag typed now wins over one written there. Quotes in it group words as in a shell;
# nothing else in it is expanded.
arguments=()
split_arguments() {
    local word words
    case $1 in
        *[\'\"\\]*)
            words=$(printf '%s' "$1" | xargs printf '%s\n' 2>/dev/null) ||
                fail "COMMANDLINE_ARGS has a quote that is never closed: $1"
            while IFS= read -r word; do arguments+=("$word"); done <<<"$words" ;;
        *)
            set -f
            # shellcheck disable=SC2206
            arguments=($1)
            set +f ;;
    esac
}
if [ "$mode" = start ] && [ -n "${COMMANDLINE_ARGS:-}" ]; then split_arguments "$COMMANDLINE_ARGS"; fi
export -n COMMANDLINE_ARGS  # handed over as arguments; webui.py must not read them a second time
arguments+=("$@")

xformers=
install=yes
for argument in ${arguments[@]+"${arguments[@]}"}; do
    case $argument in
        --xformers) xformers=yes ;;
        --skip-install | --skip-prepare-environment) install= ;;
    esac
done
[ "$mode" = start ] || { xformers= install=yes; }

# ---------------------------------------------------------------- finding Python

# Prints "3.12" for an interpreter that can be used and "3.12 why not" for one that cannot.
probe='
import sys
why = ""
if not OLDEST <= sys.version_info[:2] <= NEWEST:
    why = " is too %s" % ("old" if sys.version_info[:2] < OLDEST else "new")
else:
    import importlib.util, struct, sysconfig
    if sys.implementation.name != "cpython":
        why = " is " + sys.implementation.name + ", not CPython"
    elif struct.calcsize("P") != 8:
        why = " is a 32-bit build"
    elif sysconfig.get_config_var("Py_GIL_DISABLED"):
        why = " is a free-threaded build"
    elif not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        why = " lacks the venv module"
print("%d.%d" % sys.version_info[:2] + why)
'
oldest=${versions##* } newest=${versions%% *}
oldest="(${oldest/./, })" newest="(${newest/./, })"
probe=${probe//OLDEST/$oldest}
probe=${probe//NEWEST/$newest}

# Whether the answer of the probe is a version that can be used.
usable() {
    case " $versions " in *" ${1:-none} "*) ;; *) return 1 ;; esac
}

# Sets $python to the first usable interpreter; fails with what was found and what to do.
find_python() {
    local candidate candidates=() found="" path answer without_venv="" version
    [ -z "${PYTHON:-}" ] || candidates+=("$PYTHON")
    [ -z "${python_cmd:-}" ] || candidates+=("$python_cmd")
    [ "$venv_dir" != - ] || candidates+=(python python3)
    for version in $versions; do candidates+=("python$version"); done
    candidates+=(python3)
    for candidate in "${candidates[@]}"; do
        path=$(command -v "$candidate" 2>/dev/null)
        if [ -n "$path" ]; then answer=$("$path" -c "$probe" 2>/dev/null </dev/null); else answer=; fi
        if usable "$answer"; then
            python=$path
            return
        fi
        case $answer in
            *"lacks the venv module")
                if [ "$venv_dir" = - ]; then
                    python=$path
                    return
                fi
                without_venv=${answer%% *} ;;
        esac
        if [ "$candidate" = "${PYTHON:-}" ] || [ "$candidate" = "${python_cmd:-}" ]; then
            case $answer in
                "") say "$candidate, the Python that was asked for, cannot be run; looking for another." ;;
                *) say "$candidate, the Python that was asked for, is Python ${answer%% *} (${answer#* is }); looking for another." ;;
            esac
        elif [ -n "$answer" ]; then
            found="$found${found:+, }$path (Python $answer)"
        fi
    done
    if [ -n "$without_venv" ]; then
        fail "Python $without_venv is here, but its venv module is missing. Install it" \
            "(Debian, Ubuntu: sudo apt install python$without_venv-venv) and start again."
    fi
    case $(uname -s) in
        Darwin) how="brew install python@3.14, or the installer from https://www.python.org/downloads/" ;;
        *) how="for example sudo apt install python3 python3-venv, or https://docs.astral.sh/uv/guides/install-python/" ;;
    esac
    fail "Easel needs Python $supported and found ${found:-no Python at all}. Install one ($how)" \
        "and start again, or name it in webui-user.sh: python_cmd=/path/to/python3.14"
}

# ---------------------------------------------------------------- the environment

# The environment keeps a copy of each list it was made from. Equal copies mean there is nothing to install.
record() { printf '%s' "$environment/.easel/${1##*/}"; }
installed() {
    [ -x "$environment/bin/python" ] && ! [ -f "$environment/.easel/installing" ] &&
        cmp -s "$1" "$environment/.easel/${1##*/}"
}

# Wheels are unpacked beside where they end up, because /tmp is often small; about 6 GB of the figure stays on Linux.
check_disk() {
    [ -z "${REQS_FILE:-}" ] || return 0
    local needed=11 free
    [ "$(uname -s)" = Linux ] || needed=4
    free=$(df -Pk "$environment" 2>/dev/null | awk 'NR == 2 { print int($4 / 1048576) }')
    if [ -n "$free" ] && [ "$free" -lt "$needed" ]; then
        fail "installing needs about $needed GB of free disk space, and $environment has $free GB." \
            "Make room, or set venv_dir in webui-user.sh to a folder on another disk, and start again."
    fi
}

make_environment() {
    local output
    find_python
    if [ -d "$environment/.easel" ]; then
        # Ours, but half done, or its Python went away with an upgrade of the system.
        [ ! -f "$environment/.easel/installing" ] ||
            say "The last installation did not finish; starting over with what was downloaded."
        rm -rf "$environment/bin" "$environment/lib" "$environment/lib64" "$environment/pyvenv.cfg" "$environment/.easel"
    fi
    mkdir -p "$environment/.easel" 2>/dev/null && : >"$environment/.easel/installing" 2>/dev/null ||
        fail "cannot write to $environment. Make the folder writable, or set venv_dir in webui-user.sh to another place," \
            "and start again."
    check_disk
    say "Making an environment with $python in $environment ..."
    if ! output=$("$python" -m venv "$environment" 2>&1); then
        case $output in
            *ensurepip* | *python3-venv* | *"No module named"*)
                fail "the venv module of $python is incomplete. Install it (Debian, Ubuntu: sudo apt install python3-venv)" \
                    "and start again." ;;
            *"No space left"*) fail "the disk of $environment is full. Make room and start again." ;;
        esac
        fail "$python could not make an environment in $environment: ${output##*$'\n'}"
    fi
}

# An environment that Easel did not make is used if its Python will do, and left alone if not.
check_foreign() {
    local answer
    answer=$("$environment/bin/python" -c "$probe" 2>/dev/null </dev/null)
    usable "$answer" && return
    case $answer in
        *"lacks the venv module") ;;
        *) fail "$environment was not made by Easel, and its Python (${answer:-it does not run}) cannot be used." \
            "Move that folder away, or set venv_dir in webui-user.sh to another name, and start again." ;;
    esac
}

# Shows what pip is at while it writes its full report to install.log; returns pip's exit status.
run_pip() {
    local pid status line shown="" began=$SECONDS
    TMPDIR=$environment/.easel/tmp "$environment/bin/python" -m pip install --only-binary=:all: --no-input \
        --disable-pip-version-check --progress-bar off -r "$1" >>"$log" 2>&1 </dev/null &
    pid=$!
    trap 'kill "$pid" 2>/dev/null; wait "$pid" 2>/dev/null; say "" "Stopped. Start ./webui.sh again and it goes on."; exit 130' INT TERM HUP
    if [ -t 2 ]; then
        while kill -0 "$pid" 2>/dev/null; do
            line=$(grep -E '^ *(Collecting|Downloading|Using cached|Installing collected)' "$log" | tail -n 1 |
                sed -E 's/^ +//; s/^(Downloading|Using cached) ([^ ]*\/)?([^ ]+)/\1 \3/; s/^Installing collected.*/Installing the packages/' |
                cut -c 1-60)
            printf '\r  %-62s %4d s' "$line" $((SECONDS - began)) >&2
            sleep 0.5
        done
        printf '\r%-76s\r' '' >&2
    fi
    wait "$pid"
    status=$?
    trap - INT TERM HUP
    return $status
}

# One sentence for the usual reasons; the end of pip's report for all others.
explain_failure() {
    local again="and start again; what was downloaded is kept. (pip's own words: $log)"
    if grep -qE 'No space left on device|Disk quota exceeded|Errno 28' "$log"; then
        fail "the disk is full. Make room (about 11 GB in all on Linux), or set venv_dir in webui-user.sh to another disk, $again"
    elif grep -qE 'NewConnectionError|ConnectTimeout|ReadTimeout|Read timed out|Max retries exceeded|Connection (refused|reset|aborted)|name resolution|Name or service|nodename nor servname|Network is unreachable|ProxyError|SSLError|IncompleteRead|getaddrinfo failed' "$log"; then
        fail "the packages could not be downloaded, because the package index (PyPI) cannot be reached." \
            "Connect to the internet, or set PIP_INDEX_URL or HTTPS_PROXY to a mirror or proxy, $again"
    elif grep -qE 'Permission denied|Errno 13|Read-only file system' "$log"; then
        fail "the environment in $environment cannot be written to. Make it writable, or set venv_dir in webui-user.sh, $again"
    elif [ "$(uname -s)-$(uname -m)" = Darwin-x86_64 ]; then
        fail "PyTorch has no packages for Macs with an Intel processor any more, so Easel cannot run on this one."
    elif [ "$1" = requirements-xformers.txt ]; then
        fail "xformers has no package that fits. Start without --xformers: PyTorch's own attention is used then. (pip's own words: $log)"
    fi
    say "" "The last lines of $log:"
    tail -n 12 "$log" | sed 's/^/    /' >&2
    fail "pip could not install $1. The lines above say why; correct that $again"
}

install_list() {
    [ -f "$1" ] || fail "$root/$1 is missing. Get a complete copy of Easel and start again."
    say "Installing $1 (once; several GB for PyTorch, which takes minutes) ..."
    log=$environment/install.log
    mkdir -p "$environment/.easel/tmp" 2>/dev/null && : >"$environment/.easel/installing" && : >"$log" ||
        fail "cannot write to $environment. Make the folder writable and start again."
    run_pip "$1" || { rm -rf "$environment/.easel/tmp"; explain_failure "$1"; }
    rm -rf "$environment/.easel/tmp"
    cp "$1" "$(record "$1")"
    rm -f "$environment/.easel/installing"
    say "Installed."
}

prepare() {
    if [ "$venv_dir" = - ]; then
        find_python
        if [ -n "$install" ] && ! "$python" -c 'import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, ("torch", "diffusers", "gradio"))))'; then
            fail "venv_dir is \"-\", so nothing is installed by itself, and $python lacks Easel's packages." \
                "Run: $python -m pip install -r $lock"
        fi
        return
    fi
    case $venv_dir in /*) environment=$venv_dir ;; *) environment=$root/$venv_dir ;; esac
    if [ -z "$install" ] && [ -x "$environment/bin/python" ]; then
        :
    elif ! installed "$lock" && ! { [ "$mode" = start ] && [ -z "${REQS_FILE:-}" ] && includes_runtime; }; then
        # An environment of ours that is complete is brought up to date in place; anything else is made first.
        if ! [ -x "$environment/bin/python" ] || [ -f "$environment/.easel/installing" ]; then
            make_environment
        elif ! [ -d "$environment/.easel" ]; then
            check_foreign
        fi
        install_list "$lock"
    fi
    if [ -n "$install" ] && [ -n "$xformers" ] && ! installed requirements-xformers.txt; then
        install_list requirements-xformers.txt
    fi
    python=$environment/bin/python
}

# The list for the tests contains the one for running, so an environment made by "test" starts the program too,
# provided it was made from the lists as they are now.
includes_runtime() { installed requirements-test.lock; }

# ---------------------------------------------------------------- running the checks

run_checks() {
    local failed=""
    # Dozens of processes import the same modules: they are compiled once, also where the shell has that turned off.
    export PYTHONDONTWRITEBYTECODE=
    check() {
        local name=$1
        shift
        say "-- $name"
        "$@" >&2 || failed="$failed${failed:+, }$name"
    }
    check "ruff format" "$python" -m ruff format --check .
    check "ruff check" "$python" -m ruff check .
    check "import-linter" "${python%/*}/lint-imports" --no-logo
    check "pyright" "$python" -m pyright --pythonpath "$python"
    check "tsc" "$python" -m tests.javascript.check
    say "-- pytest"
    [ -z "$failed" ] || say "Failed before the tests: $failed"
    # The whole suite runs in several processes; who names tests wants to see them, or to stop within one.
    [ -n "${arguments[*]-}" ] || arguments=(-n auto --dist loadfile)
    "$python" -m pytest "${arguments[@]}"
    local status=$?
    [ -z "$failed" ] || exit 1
    exit $status
}

prepare
[ "$mode" = start ] || run_checks
exec "$python" webui.py ${arguments[@]+"${arguments[@]}"}
