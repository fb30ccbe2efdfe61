# shellcheck shell=bash
# Releases as images, generations as services of docker-compose.production.yml.
#
# DEPLOY_IMAGE is the image without its tag, DEPLOY_PROCESSES how many containers a generation has.

export DEPLOY_HOME
export DEPLOY_IMAGE=${DEPLOY_IMAGE:-pastis}
DEPLOY_PROCESSES=${DEPLOY_PROCESSES:-2}
FILES=$DEPLOY_HOME/source

compose() {
    docker compose --env-file "$DEPLOY_HOME/.env" --file "$FILES/docker-compose.production.yml" "$@"
}

addresses() {
    local number
    for ((number = 1; number <= DEPLOY_PROCESSES; number++)); do echo "pastis-$1-$number:8001"; done
}

# The files are kept here, as containers go on reading them when the checkout is gone.
fetch() {
    mkdir -p "$FILES"
    tar --create --directory "$SOURCE" docker-compose.production.yml deploy | tar --extract --directory "$FILES"
    if [[ -n ${CI_REGISTRY_PASSWORD:-} ]]; then
        docker login --username "$CI_REGISTRY_USER" --password-stdin "$CI_REGISTRY" <<<"$CI_REGISTRY_PASSWORD" >&2
    fi
    # An image that is there already need not be had from anywhere: so it is on a machine without a network.
    docker image inspect "$DEPLOY_IMAGE:$1" >/dev/null 2>&1 || docker pull --quiet "$DEPLOY_IMAGE:$1" >&2
}

# What stands around the API. What runs is left as it is: a new version of MongoDB is not a matter of ours.
prepare_environment() {
    local file
    for file in "$FILES"/deploy/prometheus/targets/*.yml; do cp --no-clobber "$file" "$DEPLOY_HOME/targets/"; done
    compose up --detach --no-recreate
}

migrate() { RELEASE=$1 compose run --rm --no-TTY pastis db migrate --rolling >&2; }

run_command() {
    local release=$1
    shift
    RELEASE=$release compose run --rm pastis "$@"
}

# Ready by the health check of the image.
start_generation() {
    RELEASE=$2 compose up --detach --no-deps --force-recreate --wait --wait-timeout "$DEPLOY_READY_SECONDS" \
        --scale "$1=$DEPLOY_PROCESSES" "$1" || { compose logs --tail 20 "$1" >&2 && return 1; }
}

stop_generation() { compose rm --stop --force "$1"; }

# Images are shared with whatever else this machine runs: `docker image prune` is for its operators.
tidy() { :; }
