# To be sourced: wait_for FILE waits until another machine has put FILE into the shared directory.
# shellcheck shell=sh
wait_for() {
    tries=0
    while [ ! -s "$1" ]; do
        tries=$((tries + 1))
        if [ $tries -gt 600 ]; then # 0.2 s each: two minutes
            echo "waited two minutes for $1, which the master writes: look at the master's provisioning" >&2
            exit 1
        fi
        sleep 0.2
    done
}
