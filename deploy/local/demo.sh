# shellcheck shell=bash
# The example applications: things that nobody here wrote. Idempotent: what exists is left alone.

SOT_SUBNET_CIDR=${SOT_SUBNET_CIDR:-10.66.0.0/24}
SOT_SUBNET_GATEWAY=${SOT_SUBNET_GATEWAY:-10.66.0.1}
SOT_NPM_PACKAGE=http-server@14.1.1

cli() { "$SOT_BUILD/cli/sotalia" "$@"; }
have() { cli "$@" -o json >/dev/null 2>&1; }

demo_vlan() {
  have vlan show default || logged "$SOT_LOG/demo.log" cli vlan create default --dns-zone=apps.example --description="The example applications"
  have subnet show "$SOT_SUBNET_CIDR" || logged "$SOT_LOG/demo.log" cli subnet create default "$SOT_SUBNET_CIDR" --gateway="$SOT_SUBNET_GATEWAY"
}
# The catalogue gets what was built: owners, changes, what the smoke test said, and then it is promoted.
demo_image() {
  local name=$1 tag folder file=$SOT_VAR/images/$1.smoke
  tag=$(image_tag "$name")
  folder=$SOT_SRC/deploy/images/$name
  logged "$SOT_LOG/demo.log" cli image add "$name" "$tag" "$(image_reference "$name")" --owner-dev="$(jq -r .ownerDev "$folder/image.json")" \
    --owner-ops="$(jq -r .ownerOps "$folder/image.json")" --changelog="$(awk '/^## / { n++ } n == 1' "$folder/CHANGELOG.md")"
  logged "$SOT_LOG/demo.log" cli image test "$name" "$tag" --outcome="$(head -n 1 "$file" | awk '{ print $3 }')" --report="$file"
  logged "$SOT_LOG/demo.log" cli image promote "$name" "$tag"
}
demo_images() {
  local name
  for name in base tomcat nodejs redis; do
    [ "$(cli image list -o json | jq -r --arg n "$name" '.items[] | select(.name == $n) | .reference')" = "$(image_reference "$name")" ] ||
      demo_image "$name"
  done
}

# Packages: the example web apps of Debian's tomcat10-examples, and a published npm package that serves HTTP.
demo_package_tomcat() {
  local file=$SOT_VAR/packages-demo/tomcat-examples.tar.gz
  [ -s "$file" ] || { mkdir -p "$(dirname "$file")" && tar -C /usr/share/tomcat10-examples/examples -czhf "$file" .; }
  printf '%s' "$file"
}
demo_package_node() {
  local file=$SOT_VAR/packages-demo/http-server.tar.gz work=$SOT_VAR/packages-demo/work
  if [ ! -s "$file" ]; then
    rm -rf "$work"
    mkdir -p "$work"
    logged "$SOT_LOG/npm-demo.log" npm --prefix "$work" install --no-audit --no-fund --no-save --ignore-scripts "$SOT_NPM_PACKAGE"
    cp "$work/node_modules/http-server/README.md" "$work/README.md"
    rm -rf "$work/node_modules/.bin"
    tar -C "$work" -czf "$file" .
    rm -rf "$work"
  fi
  printf '%s' "$file"
}

# demo_app NAME VERSION FILE|"" CREATE-ARGS...: created empty, package uploaded, deployed by scaling up at that version.
demo_app() {
  local name=$1 version=$2 file=$3
  shift 3
  if ! have app show "$name"; then
    logged "$SOT_LOG/demo.log" cli app create "$name" --count=0 --wait "$@"
  fi
  if [ -n "$file" ] && [ "$(cli app show "$name" -o json | jq -r .version)" = "" ]; then
    [ "$(cli app versions "$name" -o json | jq --arg v "$version" '[.items[] | select(.version == $v)] | length')" != 0 ] ||
      logged "$SOT_LOG/demo.log" cli package upload "$name" "$version" "$file" --wait
    logged "$SOT_LOG/demo.log" cli app deploy "$name" "$version" --wait
  fi
  [ "$(cli app show "$name" -o json | jq .wanted)" -ge 2 ] || cli app scale "$name" 2 --detach -o json >>"$SOT_LOG/demo.log" || die "app $name could not be scaled to 2"
}
demo_apps() {
  demo_app examples 10.1 "$(demo_package_tomcat)" --image=tomcat --plan=small --health=http --port=8080 --env=JIT_LEVEL=1
  demo_app files 14.1.1 "$(demo_package_node)" --image=nodejs --plan=small --health=http --port=8080 \
    --command='exec node /data/webapps/files/node_modules/http-server/bin/http-server /data/webapps/files -p 8080 -c-1'
  demo_app cache "" "" --image=redis --plan=small --health=tcp --port=6379
}

demo_states() { cli instance list -o json | jq -r '[.items[] | select(.state != "retired")] | group_by(.health)[] | "\(length) \(.[0].health)"' | paste -sd, | sed 's/,/, /g'; }
demo_healthy() { # all wanted instances of the three apps are healthy
  local app json
  for app in examples files cache; do
    json=$(cli app show "$app" -o json) || return 1
    [ "$(printf '%s' "$json" | jq '.ready >= .wanted and .wanted >= 2')" = true ] || return 1
  done
}
# Each instance answers on its own address, asked from this machine as from any other in the VLAN.
demo_answers() {
  local app address bad=0
  while read -r app address; do
    case $app in
      cache) [ "$(timeout 5 redis-cli -h "$address" ping 2>/dev/null)" = PONG ] ;;
      *) curl -sf -m 5 -o /dev/null "http://$address:8080/" ;;
    esac || { say "  $app at $address does not answer"; bad=1; }
  done < <(cli instance list -o json | jq -r '.items[] | select(.state == "running" and (.app == "examples" or .app == "files" or .app == "cache")) | "\(.app) \(.address)"')
  return $bad
}
demo_wait() { # demo_wait SECONDS: shows the states while they change
  local limit=$1 start last='' state
  start=$(now_ms)
  until demo_healthy; do
    [ $(($(now_ms) - start)) -lt $((limit * 1000)) ] || {
      say ""
      cli instance list >&2
      die "the example instances are not healthy after $limit s" "sotalia instance logs <name>; sotalia operation list; logs in $SOT_LOG"
    }
    state=$(demo_states)
    [ "$state" = "$last" ] || printf '\r\e[K%s[%2d/%d]%s %s: %s ...' "$C_DIM" "$STEP_NUMBER" "$STEPS_TOTAL" "$C_OFF" "$STEP_TEXT" "$state" >&2
    last=$state
    read -r -t 0.5 <> <(:) || true
  done
  demo_answers || die "an instance is healthy but does not answer from this machine" "ip route get <address>; ip link show sotbr0; logs in $SOT_LOG"
}
