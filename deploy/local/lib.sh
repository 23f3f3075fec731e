# shellcheck shell=bash
# Shared by ./run, ./test and the end-to-end laboratory: words to the user, processes with pid files, paths.
#
# SOT_SRC   the checkout            SOT_VAR   all state (default $SOT_SRC/var)
# SOT_RUN   sockets and mount points in /run (unix sockets allow 107 bytes, a checkout's path may be longer)

SOT_SRC=${SOT_SRC:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
SOT_VAR=${SOT_VAR:-$SOT_SRC/var}
SOT_BUILD=${SOT_BUILD:-$SOT_SRC/build/release}
SOT_RUN=${SOT_RUN:-/run/sotalia-$(printf %s "$SOT_VAR" | sha256sum | cut -c1-8)}
SOT_LOG=$SOT_VAR/log
SOT_PID=$SOT_VAR/pid

if [ -t 2 ] && [ -z "${NO_COLOR:-}" ]; then
  C_DIM=$'\e[2m' C_RED=$'\e[31m' C_GREEN=$'\e[32m' C_BOLD=$'\e[1m' C_OFF=$'\e[0m'
else
  C_DIM='' C_RED='' C_GREEN='' C_BOLD='' C_OFF=''
fi

now_ms() { date +%s%3N; }
seconds_since() { awk -v a="$1" -v b="$(now_ms)" 'BEGIN { printf "%.1f", (b - a) / 1000 }'; }

say() { printf '%s\n' "$*" >&2; }
# die WHAT [HOW TO MEND]
die() {
  printf '%serror:%s %s\n' "$C_RED" "$C_OFF" "$1" >&2
  [ $# -lt 2 ] || printf '  mend: %s\n' "$2" >&2
  exit 1
}

# step "what": prints what begins; step_done [note]: how long it took. STEPS_TOTAL tells how far.
STEP_NUMBER=0
STEPS_TOTAL=${STEPS_TOTAL:-0}
STEP_TEXT=''
step() {
  STEP_NUMBER=$((STEP_NUMBER + 1))
  STEP_TEXT=$1
  STEP_START=$(now_ms)
  printf '%s[%2d/%d]%s %s ...' "$C_DIM" "$STEP_NUMBER" "$STEPS_TOTAL" "$C_OFF" "$1" >&2
}
# shellcheck disable=SC2120 # callers in other files give the note
step_done() {
  printf '\r%s[%2d/%d]%s %s %s(%s s%s)%s\e[K\n' "$C_GREEN" "$STEP_NUMBER" "$STEPS_TOTAL" "$C_OFF" "$STEP_TEXT" \
    "$C_DIM" "$(seconds_since "$STEP_START")" "${1:+, $1}" "$C_OFF" >&2
  STEP_TEXT=''
}

# do_step WHAT COMMAND...: a plain call, so that `set -e` holds inside the command.
do_step() {
  step "$1"
  shift
  "$@"
  step_done
}

# Runs a command with its output in a log file; on failure shows the end of it.
logged() {
  local log=$1
  shift
  mkdir -p "$(dirname "$log")"
  if ! "$@" >"$log" 2>&1; then
    printf '\n' >&2
    tail -n 25 "$log" | sed 's/^/    /' >&2
    die "'$*' failed${STEP_TEXT:+ while: $STEP_TEXT}" "read $log"
  fi
}

# wait_until SECONDS WHAT COMMAND...: polls for a condition that has no event to wait for.
wait_until() {
  local limit=$1 what=$2 start
  shift 2
  start=$(now_ms)
  until "$@" >/dev/null 2>&1; do
    if [ $(($(now_ms) - start)) -gt $((limit * 1000)) ]; then
      say ""
      say "waited $limit s for: $what"
      return 1
    fi
    read -r -t 0.1 <> <(:) || true
  done
}

# ---- processes: a pid file holds "pid start-time", so that a re-used pid is never taken for ours ----
proc_start_time() { awk '{ sub(/^.*\) /, ""); print $20 }' "/proc/$1/stat" 2>/dev/null; }
proc_pid() { # prints the pid when the process of that name lives
  local pid start
  [ -r "$SOT_PID/$1" ] || return 1
  read -r pid start <"$SOT_PID/$1" || return 1
  [ -n "$start" ] && [ "$(proc_start_time "$pid")" = "$start" ] || return 1
  # A zombie that waits for its parent is dead for us.
  [ "$(awk '{ sub(/^.*\) /, ""); print $1 }' "/proc/$pid/stat" 2>/dev/null)" != Z ] || return 1
  printf '%s\n' "$pid"
}
proc_note() { # proc_note NAME PID
  mkdir -p "$SOT_PID"
  printf '%s %s\n' "$2" "$(proc_start_time "$2")" >"$SOT_PID/$1"
}
# proc_start NAME COMMAND...: in the background, in a session of its own, log in $SOT_LOG/NAME.log
proc_start() {
  local name=$1
  shift
  mkdir -p "$SOT_LOG" "$SOT_PID"
  setsid "$@" >>"$SOT_LOG/$name.log" 2>&1 </dev/null 8>&- 9>&- & # 8, 9: the locks of the laboratory and of ./run
  proc_note "$name" $!
}
# proc_stop NAME [SECONDS]: TERM, then KILL.
proc_stop() {
  local name=$1 limit=${2:-15} pid
  pid=$(proc_pid "$name") || { rm -f "$SOT_PID/$name"; return 0; }
  kill -TERM "$pid" 2>/dev/null
  wait_until "$limit" "$name (pid $pid) to end" eval "! proc_pid $name" || {
    kill -KILL "$pid" 2>/dev/null
    wait_until 5 "$name to die" eval "! proc_pid $name"
  }
  rm -f "$SOT_PID/$name"
}
log_tail() { tail -n "${2:-15}" "$SOT_LOG/$1.log" 2>/dev/null | sed 's/^/    /' >&2; }

# confined UID COMMAND...: an unprivileged process that sees the state folder as $SOT_RUN/var and the checkout as
# $SOT_RUN/src in a mount namespace of its own (the checkout may lie below /root, which only root may enter).
# Nothing stays mounted when it ends.
confined() {
  local uid=$1
  shift
  mkdir -p "$SOT_RUN/var" "$SOT_RUN/src"
  # shellcheck disable=SC2016
  exec unshare --mount --propagation private sh -c '
    set -e
    mount --bind "$1" "$3/var"; mount --bind "$2" "$3/src"; uid=$4; shift 4
    cd /
    exec setpriv --reuid="$uid" --regid="$uid" --clear-groups --inh-caps=-all --no-new-privs "$@"' \
    sh "$SOT_VAR" "$SOT_SRC" "$SOT_RUN" "$uid" "$@"
}
