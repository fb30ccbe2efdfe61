# shellcheck shell=bash
# Releases as virtual environments side by side, generations as processes of this machine.
#
# DEPLOY_BLUE_PORTS and DEPLOY_GREEN_PORTS name a port for each process of a generation.

: "${DEPLOY_BLUE_PORTS:?set it in deploy.env: a port for each process}"
: "${DEPLOY_GREEN_PORTS:?set it in deploy.env: a port for each process}"
DEPLOY_PYTHON=${DEPLOY_PYTHON:-python3}
RELEASES=$DEPLOY_HOME/releases
RUN=$DEPLOY_HOME/run
mkdir -p "$RELEASES" "$RUN"

ports() { if [[ $1 == green ]]; then echo "$DEPLOY_GREEN_PORTS"; else echo "$DEPLOY_BLUE_PORTS"; fi; }

addresses() {
    local port
    for port in $(ports "$1"); do echo "127.0.0.1:$port"; done
}

program() { echo "$RELEASES/$1/venv/bin/pastis"; }

# Where the stamp is, the release is complete; else it was interrupted, and is made anew.
fetch() {
    local folder=$RELEASES/$1
    if [[ -e $folder/complete ]]; then return; fi
    git -C "$SOURCE" rev-parse --quiet --verify "$1^{commit}" >/dev/null || git -C "$SOURCE" fetch --quiet --tags origin
    rm -rf "$folder"
    mkdir -p "$folder/source"
    git -C "$SOURCE" archive "$1" | tar --extract --directory "$folder/source"
    say "Installing $1."
    "$DEPLOY_PYTHON" -m venv "$folder/venv"
    local install=("$folder/venv/bin/python" -m pip install --disable-pip-version-check --quiet --no-deps)
    "${install[@]}" --require-hashes -r "$folder/source/requirements.txt" -r "$folder/source/requirements-build.txt"
    "${install[@]}" --no-build-isolation "$folder/source"
    touch "$folder/complete"
}

# Settings come from .env in the folder that commands are run in.
run_command() {
    local release=$1
    shift
    (cd "$DEPLOY_HOME" && "$(program "$release")" "$@")
}

migrate() { run_command "$1" db migrate --rolling >&2; }

start_generation() {
    local address name port number=0
    for port in $(ports "$1"); do
        number=$((number + 1))
        name=$1-$number
        (
            cd "$DEPLOY_HOME" || exit
            PASTIS_LOG_FILE=$RUN/$name.log setsid "$DEPLOY/supervise" "$RUN/$name.pid" \
                "$(program "$2")" serve --host 127.0.0.1 --port "$port" </dev/null >"$RUN/$name.out" 2>&1 9>&- &
        )
    done
    for address in $(addresses "$1"); do
        await_ready "$address" || { show_output "$1" && return 1; }
    done
}

await_ready() {
    local end=$((SECONDS + DEPLOY_READY_SECONDS))
    until curl --fail --silent --max-time 2 --output /dev/null "http://$1/health/ready"; do
        if ((SECONDS >= end)); then return 1; fi
        sleep 0.2
    done
}

show_output() { tail --lines 20 "$RUN/$1"-*.out >&2; }

stop_generation() {
    local file
    for file in "$RUN/$1"-*.pid; do
        if running "$file"; then kill -TERM "$(<"$file")"; fi
    done
    for file in "$RUN/$1"-*.pid; do
        if running "$file" && ! flock --wait "$DEPLOY_STOP_SECONDS" "$file" true; then
            say "$(basename "$file" .pid) does not end by itself: killing it."
            kill -KILL -- "-$(<"$file")"
        fi
    done
}

# The number in a file may be another process's by now: only while the file is locked it is ours.
running() { [[ -e $1 ]] && ! flock --nonblock "$1" true; }

prepare_environment() { :; }

# Only what serves and what a rollback needs.
tidy() {
    local folder
    for folder in "$RELEASES"/*/; do
        case $(basename "$folder") in
        "$(release_of blue)" | "$(release_of green)") ;;
        *) rm -rf "$folder" ;;
        esac
    done
}
