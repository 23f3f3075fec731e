# shellcheck shell=bash
# Builds the C programs (as preset release, without tests) and the web UI; both only when something changed.

build_programs() {
  logged "$SOT_LOG/cmake.log" cmake -S "$SOT_SRC" -B "$SOT_BUILD" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo
  logged "$SOT_LOG/build.log" ninja -C "$SOT_BUILD" programs
}

web_stamp() { # what the built UI depends on
  find "$SOT_SRC/web" -path "$SOT_SRC/web/node_modules" -prune -o -path "$SOT_SRC/web/dist" -prune -o -type f -print0 |
    sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1
}
build_web() {
  local stamp
  stamp=$(web_stamp)
  [ -f "$SOT_SRC/web/dist/index.html" ] && [ "$(cat "$SOT_VAR/web.stamp" 2>/dev/null)" = "$stamp" ] && return 0
  logged "$SOT_LOG/npm.log" npm --prefix "$SOT_SRC/web" ci --no-audit --no-fund
  logged "$SOT_LOG/web.log" npm --prefix "$SOT_SRC/web" run build
  printf '%s\n' "$stamp" >"$SOT_VAR/web.stamp"
}
