# shellcheck shell=bash
# What the scripts beside this folder have in common. It is sourced, never run.
#
# An environment is a folder, DEPLOY_HOME. Two generations of Pastis, blue and green, take turns in it:
#   deploy.env       how this environment is deployed
#   .env             the settings of Pastis
#   switch/green     while this file is there, the proxy sends requests to green, else to blue
#   state/COLOUR     the release that a colour runs, or ran last
#   state/history    what was done when
#   targets/         what Prometheus is to watch
set -euo pipefail

DEPLOY=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SOURCE=$(dirname "$DEPLOY")

say() { printf '%s\n' "$*" >&2; }

fail() {
    say "$@"
    exit 1
}

open_environment() {
    DEPLOY_HOME=${DEPLOY_HOME:-/var/lib/pastis}
    [[ -r $DEPLOY_HOME/deploy.env ]] ||
        fail "There is no environment in $DEPLOY_HOME: make one with deploy/configure, or set DEPLOY_HOME."
    # shellcheck source=/dev/null
    source "$DEPLOY_HOME/deploy.env"
    : "${DEPLOY_URL:?set it in deploy.env: where clients reach Pastis}"
    DEPLOY_READY_SECONDS=${DEPLOY_READY_SECONDS:-60}
    DEPLOY_DRAIN_SECONDS=${DEPLOY_DRAIN_SECONDS:-10}
    DEPLOY_STOP_SECONDS=${DEPLOY_STOP_SECONDS:-60}
    STATE=$DEPLOY_HOME/state
    SWITCH=$DEPLOY_HOME/switch
    mkdir -p "$STATE" "$SWITCH" "$DEPLOY_HOME/targets"
    [[ ${DEPLOY_BACKEND:-} =~ ^(processes|compose)$ ]] ||
        fail "DEPLOY_BACKEND in deploy.env must be processes or compose, not '${DEPLOY_BACKEND:-}'."
    # shellcheck source=deploy/lib/processes.sh
    source "$DEPLOY/lib/$DEPLOY_BACKEND.sh"
}

# One at a time. What is started must not inherit the lock: see 9>&- there.
lock_environment() {
    exec 9>"$STATE/lock"
    flock --wait 600 9 || fail "Another deployment has been under way in $DEPLOY_HOME for ten minutes."
}

check_name() {
    [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9._-]*$ ]] || fail "'$1' is no name of a release: take a commit or a tag."
}

serving() { if [[ -e $SWITCH/green ]]; then echo green; else echo blue; fi; }

other() { if [[ $1 == green ]]; then echo blue; else echo green; fi; }

release_of() { if [[ -e $STATE/$1 ]]; then cat "$STATE/$1"; fi; }

# Each request looks at the file, so the next one goes to the other generation and none is cut off.
switch_to() {
    if [[ $1 == green ]]; then : >"$SWITCH/green"; else rm -f "$SWITCH/green"; fi
    write_targets "$1"
}

write_targets() {
    local address
    {
        echo "- targets:"
        for address in $(addresses "$1"); do echo "    - \"$address\""; done
    } >"$DEPLOY_HOME/targets/.pastis.yml"
    mv "$DEPLOY_HOME/targets/.pastis.yml" "$DEPLOY_HOME/targets/pastis.yml"
}

note() { printf '%s %s %s\n' "$(date --utc +%FT%TZ)" "$1" "$2" >>"$STATE/history"; }

# answers COLOUR: whether it is ready, asked the whole way, as clients go it.
answers() {
    local heads
    heads=$(curl --fail --silent --show-error --max-time 5 --output /dev/null --dump-header - "$DEPLOY_URL/health/ready") &&
        grep --quiet --ignore-case "^pastis-generation: .*$1" <<<"$heads"
}

# roll_out RELEASE: start it beside the one that serves, switch, let the former finish, stop it.
# Whatever goes wrong before the former is stopped leads back to it.
roll_out() {
    local release=$1
    former=$(serving)
    next=$(other "$former")
    if [[ -z $(release_of "$former") ]]; then next=$former; fi # the first one there is
    trap undo EXIT
    trap 'exit 143' TERM INT HUP
    stop_generation "$next" # what an interrupted attempt left
    say "Starting $release as $next."
    start_generation "$next" "$release" || fail "$release did not become ready."
    switch_to "$next"
    answers "$next" || fail "$release is ready, but it is not $next that answers at $DEPLOY_URL."
    say "$next serves $release; $former finishes what it began, for $DEPLOY_DRAIN_SECONDS s."
    sleep "$DEPLOY_DRAIN_SECONDS"
    answers "$next" || fail "$release has fallen ill."
    printf '%s\n' "$release" >"$STATE/$next"
    note serves "$release"
    trap - EXIT
    if [[ $next != "$former" ]]; then stop_generation "$former"; fi
}

undo() {
    local code=$?
    trap - EXIT
    trap '' TERM INT HUP
    # The first release has nothing to go back to; it is stopped all the same.
    switch_to "$former"
    stop_generation "$next" || say "Could not stop $next."
    if [[ $next != "$former" ]]; then say "Rolled back: $former goes on serving $(release_of "$former")."; fi
    exit "$code"
}
